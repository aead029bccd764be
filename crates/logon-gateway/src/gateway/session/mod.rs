//! A sealed cookie that stands for a logon.
