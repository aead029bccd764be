//! Who a request is from, and how the application learns it.

mod user;

pub(crate) use user::User;
