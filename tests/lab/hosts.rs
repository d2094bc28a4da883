//! Who stands in the hospital: connection points, and machines that are none.

use super::hospital::Host;

/// IKE version 2 behind a shared secret.
pub(crate) const IPSEC: Host = Host {
    last: 10,
    name: "ipsec",
    mac: None,
    files: &[
        (
            "strongswan.conf",
            "charon {\n send_vendor_id = yes\n install_routes = no\n install_virtual_ip = no\n load_modular = yes\n \
             plugins { include /etc/strongswan.d/charon/*.conf\n } }\n",
        ),
        (
            "swanctl.conf",
            "connections {\n lab {\n version = 2\n proposals = aes256-sha256-modp2048,aes128-sha256-modp2048\n \
             local { auth = psk\n id = vpn.example\n }\n remote { auth = psk }\n children { net { local_ts = 0.0.0.0/0\n } }\n }\n}\n\
             secrets { ike-lab { secret = invented } }\n",
        ),
    ],
    runs: "mkdir -p /run/strongswan && export STRONGSWAN_CONF=$D/strongswan.conf && { /usr/lib/ipsec/charon & } && \
           for i in $(seq 100); do [ -S /run/charon.vici ] && break; sleep 0.1; done; \
           swanctl --load-all --file $D/swanctl.conf; wait",
    ready: &[("udp", 500), ("udp", 4500)],
};

/// OpenVPN over UDP.
pub(crate) const OPENVPN: Host = Host {
    last: 20,
    name: "ovpn",
    mac: None,
    files: &[("server.conf", OPENVPN_UDP)],
    runs: "exec openvpn --config $D/server.conf",
    ready: &[("udp", 1194)],
};

const OPENVPN_UDP: &str = "dev tun\nproto udp\nport 1194\ntopology subnet\nserver 10.8.0.0 255.255.255.0\nca $UP/ca.crt\ncert $UP/vpn.crt\n\
     key $UP/vpn.key\ndh none\nkeepalive 10 60\n";

/// OpenVPN over TCP, where HTTPS usually is.
pub(crate) const OPENVPN_TCP: Host = Host {
    last: 21,
    name: "ovpntcp",
    mac: None,
    files: &[(
        "server.conf",
        "dev tun\nproto tcp-server\nport 443\ntopology subnet\nserver 10.8.0.0 255.255.255.0\nca $UP/ca.crt\ncert $UP/vpn.crt\n\
         key $UP/vpn.key\ndh none\nkeepalive 10 60\n",
    )],
    runs: "exec openvpn --config $D/server.conf",
    ready: &[("tcp", 443)],
};

/// PPTP.
pub(crate) const PPTP: Host = Host {
    last: 26,
    name: "pptp",
    mac: None,
    files: &[
        ("pptpd.conf", "option $D/options\nlocalip 10.7.0.1\nremoteip 10.7.0.10-20\n"),
        ("options", "name pptpd\nrefuse-pap\nrequire-mschap-v2\n"),
    ],
    runs: "exec pptpd -f -c $D/pptpd.conf -o $D/options",
    ready: &[("tcp", 1723)],
};

/// L2TP without IPsec.
pub(crate) const L2TP: Host = Host {
    last: 27,
    name: "l2tp",
    mac: None,
    files: &[
        (
            "xl2tpd.conf",
            "[global]\nport = 1701\naccess control = no\n[lns default]\nip range = 10.6.0.10-10.6.0.20\nlocal ip = 10.6.0.1\n\
             require chap = yes\nname = gateway\npppoptfile = $D/options\n",
        ),
        ("options", "noccp\n"),
    ],
    runs: "mkdir -p /run/xl2tpd && exec xl2tpd -D -c $D/xl2tpd.conf -p /run/xl2tpd/pid -C /run/xl2tpd/control",
    ready: &[("udp", 1701)],
};

/// Remote Desktop.
pub(crate) const XRDP: Host = Host {
    last: 30,
    name: "xrdp",
    mac: None,
    files: &[],
    runs: "mkdir -p /run/xrdp && openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out certificate -days 30 -subj /CN=xrdp && \
           sed -e \"s|^certificate=.*|certificate=$D/certificate|\" -e \"s|^key_file=.*|key_file=$D/key|\" \
           /etc/xrdp/xrdp.ini > xrdp.ini && exec xrdp --nodaemon -c $D/xrdp.ini",
    ready: &[("tcp", 3389)],
};

/// VNC on a port of its own.
pub(crate) const VNC: Host = Host {
    last: 32,
    name: "vnc",
    mac: None,
    files: &[],
    runs: "mount -t tmpfs tmpfs /tmp; printf 'invented\\n' | tigervncpasswd -f > /run/password; \
           exec Xtigervnc :7 -rfbport 5910 -SecurityTypes VncAuth,TLSVnc -PasswordFile /run/password -geometry 640x480",
    ready: &[("tcp", 5910)],
};

/// An appliance's login page over HTTPS: the words are an appliance's, the server is nginx.
pub(crate) const PORTAL: Host = Host {
    last: 40,
    name: "portal",
    mac: None,
    files: &[(
        "nginx.conf",
        "worker_processes 1;\nuser root;\npid /run/nginx.pid;\nerror_log stderr warn;\nevents { worker_connections 64; }\nhttp {\n\
         access_log off;\nserver_tokens off;\nclient_body_temp_path /run/b;\nproxy_temp_path /run/p;\nfastcgi_temp_path /run/f;\n\
         uwsgi_temp_path /run/u;\nscgi_temp_path /run/s;\nserver { listen 10443 ssl; ssl_certificate $UP/vpn.crt; \
         ssl_certificate_key $UP/vpn.key; ssl_protocols TLSv1.3;\n\
         location = / { default_type text/html; return 200 '<html><script>top.location=\"/remote/login\";</script></html>'; }\n\
         location = /remote/login { add_header Set-Cookie 'SVPNCOOKIE=; path=/; secure; httponly'; default_type text/html; \
         return 200 '<html><head><title>Please Login</title></head><body>sslvpn_login</body></html>'; }\n\
         location / { return 404; } } }\n",
    )],
    runs: "exec nginx -c $D/nginx.conf -g 'daemon off;'",
    ready: &[("tcp", 10443)],
};

/// A server: a shell, names and SNMP. No connection point.
pub(crate) const SERVER: Host = Host {
    last: 50,
    name: "server",
    mac: None,
    files: &[
        (
            "dnsmasq.conf",
            "keep-in-foreground\nno-resolv\nno-hosts\nuser=root\npid-file=/run/dnsmasq.pid\naddress=/server.example/10.77.0.50\n",
        ),
        ("snmpd.conf", "rocommunity invented\nsysDescr A server\nagentAddress udp:161\n"),
    ],
    runs: "mkdir -p /run/sshd && ssh-keygen -q -t ed25519 -N '' -f key && { /usr/sbin/sshd -D -e -h $D/key -o UsePAM=no & } && \
           { dnsmasq -C $D/dnsmasq.conf & } && exec snmpd -f -Le -C -c $D/snmpd.conf -I -smux -p /run/snmpd.pid",
    ready: &[("tcp", 22), ("udp", 53), ("udp", 161)],
};

/// A printer and an image archive: doors that print, or count what they hear.
pub(crate) const PRINTER: Host = Host {
    last: 60,
    name: "printer",
    mac: None,
    files: &[],
    runs: "socat TCP-LISTEN:9100,fork,reuseaddr /dev/null & socat TCP-LISTEN:104,fork,reuseaddr /dev/null & \
           socat TCP-LISTEN:80,fork,reuseaddr SYSTEM:'echo HTTP/1.0 200 OK; echo; echo ready' & wait",
    ready: &[("tcp", 9100), ("tcp", 104), ("tcp", 80)],
};

/// A console beside an examination, whose network card says who made it.
pub(crate) const MODALITY: Host = Host {
    last: 70,
    name: "modality",
    mac: Some("00:09:1f:00:53:70"),
    files: &[],
    runs: "socat TCP-LISTEN:3389,fork,reuseaddr /dev/null & socat TCP-LISTEN:22,fork,reuseaddr /dev/null & wait",
    ready: &[("tcp", 3389), ("tcp", 22)],
};

/// A gateway that the facility leaves out.
pub(crate) const EXCLUDED: Host = Host {
    last: 80,
    name: "excluded",
    mac: None,
    files: &[("server.conf", OPENVPN_UDP)],
    runs: "exec openvpn --config $D/server.conf",
    ready: &[("udp", 1194)],
};
