//! Somebody who sends a gateway what no `prepl` would send, with the access of a person.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use prepl_core::{Event, Limits, Outcome, Report, RequestId, RunId};
use prepl_gateway::claim::signed_run;
use prepl_identity::{Bundle, Connector, Credentials, Expected};
use prepl_proto::v1;
use prepl_proto::v1::gateway_client::GatewayClient;
use prepl_proto::v1::run_command::Command;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tonic::transport::{Channel, Endpoint};

use crate::cluster::Problem;
use crate::forward::Forward;
use crate::shop;

/// A person's key, and a way to a gateway.
pub struct Forger {
    runtime: Runtime,
    bundle: Bundle,
    forward: Forward,
}

/// A run as it is told to a gateway, before it is signed.
pub fn start(uid: &str, expression: &str) -> v1::StartRun {
    let (id, limits) = (unheard_of(), Limits::default());
    let [a, b, c, d, e, ..] = id;
    v1::StartRun {
        uids: vec![uid.to_owned()],
        request_id: RequestId::from_random(id).as_bytes().to_vec(),
        run_id: RunId::from_random([a, b, c, d, e]).to_string(),
        expression: expression.to_owned(),
        limits: Some(limits.into()),
        connect_ms: 5_000,
        width: 1,
        ..v1::StartRun::default()
    }
}

/// Bytes that no run had before.
fn unheard_of() -> [u8; 16] {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let number = u128::from(NEXT.fetch_add(1, Ordering::Relaxed));
    (nanos.rotate_left(64) ^ nanos.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number).to_le_bytes()
}

impl Forger {
    /// With the access in this file.
    pub fn with(access: &Path) -> Result<Forger, Problem> {
        let bundle = Bundle::read(access).map_err(|error| error.to_string())?;
        let runtime = Runtime::new().map_err(|error| error.to_string())?;
        let forward = Forward::open(shop::SYSTEM, "svc/prepl-gateway", 7071)?;
        Ok(Forger { runtime, bundle, forward })
    }

    /// Signs a run at a time.
    pub fn sign(&self, start: &v1::StartRun, at: SystemTime) -> Result<v1::Signed, Problem> {
        signed_run(&self.bundle, start, at).map_err(|error| error.to_string())
    }

    /// Sends it as it is: the outcome on its one replica, or the gateway's refusal.
    pub fn send(&self, start: v1::StartRun) -> Result<Outcome, Problem> {
        self.runtime.block_on(async {
            let mut client = self.client().await?;
            let command = v1::RunCommand { command: Some(Command::Start(start)) };
            let commands = tokio_stream::once(command);
            let stream = client.run(commands).await.map_err(|refused| refused.to_string())?;
            let mut stream = stream.into_inner();
            while let Some(batch) = stream.message().await.map_err(|error| error.to_string())? {
                for report in batch.reports {
                    let report = Report::try_from(report).map_err(|bad| bad.to_string())?;
                    if let Report::Replica { event: Event::Done(done), .. } = report {
                        return Ok(done.outcome);
                    }
                }
            }
            Err("the run ended without an outcome".to_owned())
        })
    }

    async fn client(&self) -> Result<GatewayClient<Channel>, Problem> {
        let connector = Connector::new(&Credentials::fixed(self.bundle.clone()));
        let expected = Expected::Gateway(self.bundle.name().domain.clone());
        let address = self.forward.address.clone();
        let connect = tower::service_fn(move |_| {
            let (connector, expected) = (connector.clone(), expected.clone());
            let address = address.clone();
            async move {
                let stream = TcpStream::connect(address).await?;
                let stream = connector.connect_as(stream, &expected).await;
                stream.map(hyper_util::rt::TokioIo::new).map_err(std::io::Error::other)
            }
        });
        let channel = Endpoint::from_static("http://gateway").connect_with_connector(connect).await;
        channel.map(GatewayClient::new).map_err(|error| error.to_string())
    }
}
