//! How a pod gets its certificate from the controller, and keeps it fresh.
//!
//! The key is made here and stays here. The token goes to a proven controller of the fleet alone.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use hyper_util::rt::TokioIo;
use prepl_identity::{
    Bundle, BundleProblem, Connector, Credentials, KeyRequest, Name, NoKey, TrustDomain,
};
use prepl_proto::v1::EnrolRequest;
use prepl_proto::v1::enrolment_client::EnrolmentClient;
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

/// How long one attempt may take.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(15);
/// The pause after the first failure; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// However short the lifetime, the controller is not asked more often.
const SHORTEST_LIFE: Duration = Duration::from_secs(1);
/// A service account token has some 1 KiB.
const MAX_TOKEN_BYTES: u64 = 16 << 10;
/// A certificate and two authorities have some 3 KiB.
const MAX_REPLY_BYTES: usize = 64 << 10;

/// Why an attempt to enrol failed; the next may succeed.
#[derive(Debug, thiserror::Error)]
pub enum NotEnrolled {
    /// The token's file cannot be read.
    #[error("cannot read the token {}: {source}; mount a service account token there", path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No key could be made.
    #[error(transparent)]
    Key(#[from] NoKey),
    /// The trusted authorities are none.
    #[error("the authorities to trust are not usable: {0}")]
    Authorities(BundleProblem),
    /// The controller cannot be reached, or is not the fleet's.
    #[error("no controller of the fleet answers at {address}: {reason}")]
    Unreached {
        /// What `--enrol` says.
        address: String,
        /// What went wrong.
        reason: String,
    },
    /// The controller answered that it does not certify this pod.
    #[error("the controller refused this pod: {0}")]
    Refused(String),
    /// No answer in time.
    #[error("the controller did not answer within {ATTEMPT_LIMIT:?}; is it overloaded?")]
    TooSlow,
    /// What came back is no bundle.
    #[error("the controller's answer is not usable: {0}")]
    Answer(BundleProblem),
    /// The certificate is of somebody else.
    #[error("the controller certified {0}, which is another; compare PREPL_POD_UID with the pod")]
    OtherName(Name),
}

/// Where and as whom a pod enrols.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// HOST:PORT of the controller.
    pub address: String,
    /// The file of the token, read at each attempt.
    pub token_file: PathBuf,
    /// Whom the certificate must name.
    pub name: Name,
    /// The authorities to trust, in PEM; the controller's answers replace them.
    pub authorities: String,
    /// Where the authorities of the last answer are kept, for a process that starts when those of
    /// its arguments are long gone.
    pub state: Option<PathBuf>,
}

impl Enrolment {
    /// Tries until a bundle has come, with growing pauses.
    pub async fn enrol(&mut self) -> Bundle {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.attempt().await {
                Ok(bundle) => return bundle,
                Err(error) => tracing::warn!(%error, "not enrolled; trying again"),
            }
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Renews for ever, each time at half of what is left of the lifetime.
    pub async fn keep_fresh(mut self, credentials: &Credentials) {
        loop {
            let left = credentials.current().details().not_after.duration_since(SystemTime::now());
            let half = left.unwrap_or_default() / 2;
            tokio::time::sleep(half.max(SHORTEST_LIFE)).await;
            credentials.replace(self.enrol().await);
            tracing::info!("new certificate in use");
        }
    }

    /// Asks once. What was trusted stays so unless the whole answer is good.
    pub async fn attempt(&mut self) -> Result<Bundle, NotEnrolled> {
        let asked = tokio::time::timeout(ATTEMPT_LIMIT, self.ask());
        let (bundle, authorities) = asked.await.map_err(|_| NotEnrolled::TooSlow)??;
        if *bundle.name() != self.name {
            return Err(NotEnrolled::OtherName(bundle.name().clone()));
        }
        self.authorities = authorities;
        self.remember();
        Ok(bundle)
    }

    /// Trusts those whom an earlier process was told to trust.
    pub fn recall(&mut self) {
        let Some(path) = self.kept() else { return };
        let kept = std::fs::File::open(path).and_then(|file| {
            let mut text = String::new();
            file.take(MAX_REPLY_BYTES as u64).read_to_string(&mut text).map(|_| text)
        });
        // Without it, or when it is damaged, those of the arguments have to do.
        if let Ok(text) = kept
            && Connector::anonymous(&text, &self.name.domain).is_ok()
        {
            self.authorities = text;
        }
    }

    fn remember(&self) {
        let Some(path) = self.kept() else { return };
        let fresh = path.with_extension("new");
        let written = std::fs::write(&fresh, &self.authorities);
        if let Err(error) = written.and_then(|()| std::fs::rename(&fresh, &path)) {
            tracing::warn!(%error, path = %path.display(), "whom to trust is not kept");
        }
    }

    fn kept(&self) -> Option<PathBuf> {
        self.state.as_ref().map(|folder| folder.join("authorities.pem"))
    }

    async fn ask(&self) -> Result<(Bundle, String), NotEnrolled> {
        let key = KeyRequest::new()?;
        let channel = self.channel().await?;
        let token = self.token()?;
        let request = EnrolRequest { token, csr: key.csr_pem().to_owned() };
        let mut client = EnrolmentClient::new(channel).max_decoding_message_size(MAX_REPLY_BYTES);
        let reply = client.enrol(request).await;
        let refused = |status: tonic::Status| NotEnrolled::Refused(status.message().to_owned());
        let reply = reply.map_err(refused)?.into_inner();
        let bundle = key.into_bundle(&reply.certificate, &reply.authorities);
        Ok((bundle.map_err(NotEnrolled::Answer)?, reply.authorities))
    }

    async fn channel(&self) -> Result<Channel, NotEnrolled> {
        let domain = self.name.domain.clone();
        let connector = Connector::anonymous(&self.authorities, &domain);
        let connector = connector.map_err(NotEnrolled::Authorities)?;
        let address = self.address.clone();
        let connect = service_fn(move |_| {
            let (connector, address, domain) = (connector.clone(), address.clone(), domain.clone());
            async move { secure(&connector, &address, &domain).await.map(TokioIo::new) }
        });
        let endpoint = Endpoint::from_static("http://controller");
        endpoint.connect_with_connector(connect).await.map_err(|error| NotEnrolled::Unreached {
            address: self.address.clone(),
            reason: innermost(&error),
        })
    }

    fn token(&self) -> Result<String, NotEnrolled> {
        let unreadable = |source| NotEnrolled::Token { path: self.token_file.clone(), source };
        let file = std::fs::File::open(&self.token_file).map_err(unreadable)?;
        let mut token = String::new();
        file.take(MAX_TOKEN_BYTES + 1).read_to_string(&mut token).map_err(unreadable)?;
        if token.len() as u64 > MAX_TOKEN_BYTES {
            return Err(unreadable(io::Error::other("it is too large for a token")));
        }
        Ok(token.trim().to_owned())
    }
}

async fn secure(
    connector: &Connector,
    address: &str,
    domain: &TrustDomain,
) -> io::Result<prepl_identity::Secure> {
    let socket = TcpStream::connect(address).await?;
    connector.connect_controller(socket, domain).await.map_err(io::Error::other)
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// Between half of the pause and all of it, so that a fleet does not come back at one moment.
fn jittered(pause: Duration) -> Duration {
    let part = RandomState::new().hash_one(0) % 1000;
    pause / 2 + pause.mul_f64(part as f64 / 2000.0)
}
