//! `AnyConnect`: the question how to log on, inside HTTPS (draft-mavrogiannopoulos-openconnect, 2.1). Its answer is
//! HTTP's, with a body in XML.

/// Where a gateway tells how to log on, and takes tunnels.
pub const PATH: &str = "/CSCOSSLC/";

/// Writes the question to `host`. It begins no logon: it brings no body, and no name.
pub fn ask(host: &str) -> Vec<u8> {
    format!(
        "GET {PATH}config-auth HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nX-Transcend-Version: 1\r\n\
         X-Aggregate-Auth: 1\r\nConnection: close\r\n\r\n"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http::{Head, Start};

    #[test]
    fn a_question_reads_back() {
        let bytes = ask("192.0.2.1:8443");
        let head = Head::parse(&bytes).unwrap();
        let Start::Request { method, target, .. } = head.start else { panic!("{head:?}") };
        assert_eq!((method, target), (&b"GET"[..], &b"/CSCOSSLC/config-auth"[..]));
        assert_eq!(head.get("host"), Some(&b"192.0.2.1:8443"[..]));
        assert_eq!(head.length, bytes.len());
        crate::wire::refuses_every_truncation(&bytes, Head::parse);
    }
}
