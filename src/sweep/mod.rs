//! Which addresses answer.
