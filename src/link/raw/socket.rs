//! A packet socket of Linux (packet(7)), and what is asked of the kernel about an interface.

use std::{
    ffi::{CString, c_int, c_uint},
    io,
    mem::size_of,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd},
    ptr,
};

use super::Filter;

/// A packet socket. Until it is bound it hears nothing.
#[derive(Debug)]
pub(super) struct PacketSocket(OwnedFd);

impl PacketSocket {
    /// A socket; refused without `CAP_NET_RAW`.
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: the call takes no pointers, and the descriptor that it makes is ours alone.
        unsafe {
            let made = libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0);
            checked(made).map(|descriptor| Self(OwnedFd::from_raw_fd(descriptor)))
        }
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Sets an option to a plain value.
    pub(super) fn set<T: Copy>(&self, level: c_int, option: c_int, value: &T) -> io::Result<()> {
        let length = libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
        // SAFETY: the pointer is to a value that lives through the call, and the length is its own.
        let result = unsafe {
            libc::setsockopt(self.descriptor(), level, option, ptr::from_ref(value).cast(), length)
        };
        checked(result).map(drop)
    }

    /// Lets in what the filter lets in.
    pub(super) fn attach(&self, filter: &Filter) -> io::Result<()> {
        let mut program: Vec<libc::sock_filter> = filter
            .instructions()
            .iter()
            .map(|instruction| libc::sock_filter {
                code: instruction.code,
                jt: instruction.when_true,
                jf: instruction.when_false,
                k: instruction.operand,
            })
            .collect();
        let length = u16::try_from(program.len()).map_err(io::Error::other)?;
        let program = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
        self.set(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
    }

    /// Binds it to an interface: what it sends goes out there, and it hears frames of `protocol` (0 for none).
    pub(super) fn bind(&self, interface: &str, protocol: c_int) -> io::Result<()> {
        let index = index(interface)?;
        // SAFETY: all of the structure's fields are numbers, for which zero is a value.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = u16::try_from(libc::AF_PACKET).map_err(io::Error::other)?;
        address.sll_protocol = u16::try_from(protocol).map_err(io::Error::other)?.to_be();
        address.sll_ifindex = c_int::try_from(index).map_err(io::Error::other)?;
        let length = size_of::<libc::sockaddr_ll>();
        let length = libc::socklen_t::try_from(length).map_err(io::Error::other)?;
        // SAFETY: the pointer is to a whole address that lives through the call, and the length is its own.
        let result = unsafe { libc::bind(self.descriptor(), (&raw const address).cast(), length) };
        checked(result).map(drop)
    }

    /// Hears frames to a group, until it is dropped. Nothing is sent.
    pub(super) fn join(&self, interface: &str, group: [u8; 6]) -> io::Result<()> {
        self.add_membership(interface, libc::PACKET_MR_MULTICAST, group)
    }

    /// Hears frames to every group, or to anybody at all, until it is dropped. Nothing is sent.
    pub(super) fn join_all(&self, interface: &str, promiscuous: bool) -> io::Result<()> {
        let kind = if promiscuous { libc::PACKET_MR_PROMISC } else { libc::PACKET_MR_ALLMULTI };
        self.add_membership(interface, kind, [0; 6])
    }

    fn add_membership(&self, interface: &str, kind: c_int, mac: [u8; 6]) -> io::Result<()> {
        let [a, b, c, d, e, f] = mac;
        let request = libc::packet_mreq {
            mr_ifindex: c_int::try_from(index(interface)?).map_err(io::Error::other)?,
            mr_type: u16::try_from(kind).map_err(io::Error::other)?,
            mr_alen: 6,
            mr_address: [a, b, c, d, e, f, 0, 0],
        };
        self.set(libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &request)
    }

    /// What went wrong since this was last asked, such as an interface that went down.
    pub(super) fn take_error(&self) -> io::Result<()> {
        socket2::SockRef::from(&self.0).take_error()?.map_or(Ok(()), Err)
    }

    /// Frames that passed the filter and found no room since this was last asked.
    pub(super) fn take_dropped(&self) -> io::Result<u64> {
        let mut statistics =
            libc::tpacket_stats_v3 { tp_packets: 0, tp_drops: 0, tp_freeze_q_cnt: 0 };
        let length = size_of::<libc::tpacket_stats_v3>();
        let mut length = libc::socklen_t::try_from(length).map_err(io::Error::other)?;
        // SAFETY: both pointers are to values of our own that live through the call; the kernel writes no more
        // than the length says.
        let result = unsafe {
            libc::getsockopt(
                self.descriptor(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut statistics).cast(),
                &raw mut length,
            )
        };
        checked(result).map(|_| statistics.tp_drops.into())
    }
}

/// The result of a call, or what went wrong.
pub(super) fn checked(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn index(interface: &str) -> io::Result<c_uint> {
    let name = CString::new(interface).map_err(io::Error::other)?;
    // SAFETY: the pointer is to a string with its end, which lives through the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}

/// The largest packet of an interface, in bytes.
pub(super) fn mtu(interface: &str) -> io::Result<u32> {
    // SAFETY: the call takes no pointers, and the descriptor that it makes is ours alone.
    let socket = unsafe {
        let made = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        OwnedFd::from_raw_fd(checked(made)?)
    };
    // SAFETY: all of the structure's fields are numbers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if interface.len() >= request.ifr_name.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    // SAFETY: the pointer is to a request of our own with its name ended by zero; the kernel fills in the number
    // that is read from the union.
    let mtu = unsafe {
        checked(libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFMTU, &raw mut request))?;
        request.ifr_ifru.ifru_mtu
    };
    u32::try_from(mtu).map_err(io::Error::other)
}
