//! The page that shows, leg by leg, what a browser sent and what was decided.

use http::{Request, Response};
use logon::http::Scheme;
use logon_tower::LogonLayer;

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct DiagnosisConfig {}
impl DiagnosisConfig {
    pub(crate) fn path(&self) -> &str {
        ""
    }
}
pub(crate) struct Diagnosis<S>(std::marker::PhantomData<S>);
impl<S> Diagnosis<S> {
    pub(crate) fn new(_: &str, _: LogonLayer<S>, _: &[Scheme]) -> Self {
        Self(std::marker::PhantomData)
    }
    pub(crate) fn holds(&self, _: &str) -> bool {
        false
    }
    pub(crate) async fn answer<B>(&self, _: Request<B>) -> Response<String> {
        Response::new(String::new())
    }
}
