//! A box that was heard, whether or not it is a connection point.

use std::{collections::BTreeSet, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::{Product, Service};
use crate::observe::Mac;

/// A box inside that said something.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Host {
    /// Its addresses inside. Empty where only its hardware address was heard.
    pub addresses: BTreeSet<IpAddr>,
    /// Its hardware addresses.
    pub macs: BTreeSet<Mac>,
    /// Names that it gives itself.
    pub names: BTreeSet<String>,
    /// Services on which it answers.
    pub services: BTreeSet<Service>,
    /// Which product it is, when a signature says so.
    pub product: Option<Product>,
    /// The connection point that it is, if it is one.
    pub point: Option<String>,
}
