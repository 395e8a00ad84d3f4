//! Connections to some gateway, each made the same way.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::transport::{self, Channel, Endpoint, Uri};
use tower::Service;

/// Makes connections; clones make the same ones.
#[derive(Clone)]
pub(super) struct Dial(Arc<dyn Fn() -> Dialling + Send + Sync>);

type Dialling = Pin<Box<dyn Future<Output = Result<Channel, transport::Error>> + Send>>;

impl Dial {
    /// `connect` gives a secured stream to a gateway.
    pub(super) fn new<C, S>(endpoint: Endpoint, connect: C) -> Dial
    where
        C: Service<Uri, Response = TokioIo<S>, Error = Box<dyn Error + Send + Sync>>,
        C: Clone + Send + Sync + 'static,
        C::Future: Send,
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Dial(Arc::new(move || {
            let (endpoint, connect) = (endpoint.clone(), connect.clone());
            Box::pin(async move { endpoint.connect_with_connector(connect).await })
        }))
    }

    /// One more connection.
    pub(super) async fn channel(&self) -> Result<Channel, transport::Error> {
        (self.0)().await
    }
}

impl std::fmt::Debug for Dial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dial")
    }
}
