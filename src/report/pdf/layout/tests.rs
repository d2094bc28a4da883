//! Pages, set with invented widths.
