//! The network: whether it may be used, who is asked, and what goes wrong.

use std::sync::Arc;
use std::time::Duration;

use ureq::http::{HeaderMap, Response, header};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, ResponseExt};

use super::StoreError;
use super::source::{server, without_secrets};

/// How the network is used.
#[derive(Debug, Clone)]
pub struct Network {
    /// Whether it must not be.
    pub offline: bool,
    /// The server that has Hugging Face's repositories, without a slash at the end.
    pub endpoint: String,
    /// What opens repositories that are not public. Shown to that server alone.
    pub token: Option<String>,
    /// How much is borne.
    pub patience: Patience,
}

/// How much is borne before a download is given up.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Attempts in a row that bring nothing.
    pub tries: u32,
    /// The wait after the first failure; each further one doubles it, up to half a minute.
    pub pause: Duration,
    /// How long a server may say nothing.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { tries: 6, pause: Duration::from_millis(250), silence: Duration::from_mins(1) }
    }
}

impl Patience {
    /// The wait after so many failures, from 1.
    pub(super) fn wait(&self, failures: u32) -> Duration {
        self.pause.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(Duration::from_secs(30))
    }
}

impl Default for Network {
    /// The public server without a token.
    fn default() -> Self {
        Self { offline: false, endpoint: "https://huggingface.co".to_owned(), token: None, patience: Patience::default() }
    }
}

/// Why a request brought nothing.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It never will.
    Lasting(StoreError),
    /// The server is not to be found, or nobody listens: it may come back, but not if it was never there.
    Unreachable(String),
    /// It may next time.
    Passing {
        /// What happened.
        why: String,
        /// How long the server asks to be left alone.
        wait: Option<Duration>,
    },
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Lasting(error)
    }
}

impl Network {
    /// As the environment says: `HF_ENDPOINT`, `HF_TOKEN`; `HF_HUB_OFFLINE` and `FRAMELOOM_OFFLINE` besides `offline`.
    #[must_use]
    pub fn from_environment(offline: bool) -> Self {
        let text = |name| std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let said = |name| text(name).is_some_and(|value| ["1", "true", "yes", "on"].contains(&value.to_lowercase().as_str()));
        let usual = Self::default();
        Self {
            offline: offline || said("HF_HUB_OFFLINE") || said("FRAMELOOM_OFFLINE"),
            endpoint: text("HF_ENDPOINT").map_or(usual.endpoint, |endpoint| endpoint.trim_end_matches('/').to_owned()),
            token: text("HF_TOKEN"),
            patience: usual.patience,
        }
    }

    /// Says that `address` is out of reach when it is to be.
    pub(super) fn allow(&self, address: &str) -> Result<(), StoreError> {
        if self.offline { Err(StoreError::Offline { address: without_secrets(address) }) } else { Ok(()) }
    }

    fn agent(&self) -> Agent {
        let config = Agent::config_builder()
            .user_agent(concat!("frameloom/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .http_status_as_error(false)
            // The token goes to no other host.
            .redirect_auth_headers(ureq::config::RedirectAuthHeaders::SameHost)
            .timeout_resolve(Some(Duration::from_secs(20)))
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_per_read(Some(self.patience.silence))
            .tls_config(TlsConfig::builder().root_certs(authorities()).build());
        config.build().new_agent()
    }

    /// Asks for `address`, redirects followed. What comes has a status that says that all is well.
    pub(super) fn get(&self, address: &str, headers: &[(&str, String)]) -> Result<Response<Body>, Trouble> {
        self.allow(address)?;
        let mut request = self.agent().get(address);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(token) = self.token.as_ref().filter(|_| server(address) == server(&self.endpoint)) {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let response = request.call().map_err(|error| trouble(address, &error))?;
        let code = response.status().as_u16();
        match code {
            200 | 206 | 416 => Ok(response),
            408 | 425 | 429 | 500..=599 => {
                let wait = text(response.headers(), "retry-after").and_then(|text| text.parse().ok()).map(Duration::from_secs);
                Err(Trouble::Passing { why: format!("the server answers {code}"), wait: wait.filter(|wait| wait.as_secs() <= 120) })
            }
            _ => Err(self.refused(address, code).into()),
        }
    }

    fn refused(&self, address: &str, code: u16) -> StoreError {
        let ours = server(address) == server(&self.endpoint);
        let advice = match (code, ours, self.token.is_some()) {
            (401 | 403, true, false) => {
                "if it is not public, accept its terms on its page and set HF_TOKEN to a token that may read it; otherwise check its name"
                    .to_owned()
            }
            (401 | 403, true, true) => {
                "the token in HF_TOKEN may not read it; accept the model's terms on its page, or use another token".to_owned()
            }
            (401 | 403, false, _) => "it needs a login; fetch it with a browser and add the file".to_owned(),
            (404 | 410, true, _) => "check the name of the repository, the revision and the file".to_owned(),
            (404 | 410, false, _) => "check the address".to_owned(),
            _ => "try again later, or check the address".to_owned(),
        };
        StoreError::Refused { address: without_secrets(address), code, advice }
    }
}

/// Who vouches for servers: those in the file that `SSL_CERT_FILE` names, or Mozilla's list.
fn authorities() -> RootCerts {
    let file = std::env::var_os("SSL_CERT_FILE").and_then(|path| std::fs::read(path).ok());
    let list: Vec<_> = file.iter().flat_map(|pem| parse_pem(pem).flatten()).filter_map(certificate).collect();
    if list.is_empty() { RootCerts::WebPki } else { RootCerts::Specific(Arc::new(list)) }
}

fn certificate(item: PemItem<'static>) -> Option<ureq::tls::Certificate<'static>> {
    if let PemItem::Certificate(certificate) = item { Some(certificate) } else { None }
}

fn trouble(address: &str, error: &ureq::Error) -> Trouble {
    use std::io::ErrorKind;
    match error {
        ureq::Error::HostNotFound => Trouble::Unreachable("the host is not found".to_owned()),
        ureq::Error::ConnectionFailed => Trouble::Unreachable("nobody answers".to_owned()),
        ureq::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => Trouble::Unreachable("nobody listens there".to_owned()),
        ureq::Error::Io(error) => io_trouble(address, &error.to_string()),
        ureq::Error::Timeout(_) => Trouble::Passing { why: "the server says nothing".to_owned(), wait: None },
        ureq::Error::Protocol(error) => Trouble::Passing { why: error.to_string(), wait: None },
        other => Trouble::Lasting(connection(address, other.to_string())),
    }
}

/// What the system and the encryption tell by words alone.
fn io_trouble(address: &str, why: &str) -> Trouble {
    if why.contains("failed to lookup address") {
        Trouble::Unreachable("the host is not found".to_owned())
    } else if why.contains("certificate") {
        let advice = "if it is a server or proxy of your own, name the certificates that vouch for it in SSL_CERT_FILE";
        Trouble::Lasting(StoreError::Connection { address: without_secrets(address), why: why.to_owned(), advice })
    } else {
        Trouble::Passing { why: why.to_owned(), wait: None }
    }
}

/// The connection cannot be made.
pub(super) fn connection(address: &str, why: String) -> StoreError {
    let advice = "check the address, the connection and the proxy (HTTPS_PROXY, NO_PROXY); the same command goes on where it stopped";
    StoreError::Connection { address: without_secrets(address), why, advice }
}

/// A header as text.
pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.trim().to_owned())
}

/// Where a response came from in the end.
pub(super) fn final_address(response: &Response<Body>) -> String {
    response.get_uri().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let patience = Patience::default();
        assert_eq!([1, 2, 3, 40].map(|n| patience.wait(n).as_millis()), [250, 500, 1000, 30_000]);
    }

    #[test]
    fn offline_asks_nobody() {
        let network = Network { offline: true, ..Network::default() };
        let error = network.get("https://me:secret@host.test/x", &[]).unwrap_err();
        let Trouble::Lasting(error) = error else { panic!("it is final") };
        assert!(error.to_string().starts_with("`https://host.test/x` is on the network"), "{error}");
    }
}
