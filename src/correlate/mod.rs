//! Which connection points the observations make, and why.

pub mod point;

pub use point::{
    Because, Coverage, CoverageState, Direction, Grade, Kind, Point, Product, Service,
};
