//! Notices: what is said to desks.
