//! Requests to an application, and its answers back.
