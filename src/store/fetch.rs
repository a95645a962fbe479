//! One file from the network: into a part, resumed where it stopped, hashed as it comes.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::Body;
use ureq::http::{HeaderMap, Response};

use super::guard::Guard;
use super::hash::{BLOCK, Hasher, bytes};
use super::network::{Network, Trouble, connection, final_address, text};
use super::{Event, StoreError, Watch};

/// A file that is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    /// Where it is.
    pub address: &'a str,
    /// What it is called in messages.
    pub name: &'a str,
    /// Its length in bytes, where it is known.
    pub size: Option<u64>,
    /// The SHA-256 it must have, where it is known.
    pub sha256: Option<&'a str>,
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fetched {
    /// Its length in bytes.
    pub size: u64,
    /// The SHA-256 of its bytes.
    pub sha256: String,
    /// The name that the server gives it.
    pub name: Option<String>,
}

/// Fetches a file into `part`, going on with what is there. On failure the part stays, so that the next call goes on; only what turns out
/// to be wrong is removed.
pub(super) fn fetch(network: &Network, request: Request<'_>, part: &Path, watch: &mut Watch<'_>) -> Result<Fetched, StoreError> {
    network.allow(request.address)?;
    let mut download = Download::open(network, request, part)?;
    let resumed = download.have > 0;
    if resumed {
        watch(Event::Note(format!("`{}`: {} are there already", request.name, bytes(download.have))));
    }
    download.run(watch)?;
    match download.finish() {
        // A part of another edition may have slipped in where the server gave it no name: once more from the beginning.
        Err(StoreError::Hash { .. } | StoreError::Length { .. }) if resumed => {
            watch(Event::Note(format!("`{}`: the part that was there does not fit, starting again", request.name)));
            let mut again = Download::open(network, request, part)?;
            again.run(watch)?;
            again.finish()
        }
        done => done,
    }
}

struct Download<'a> {
    network: &'a Network,
    request: Request<'a>,
    part: PathBuf,
    file: File,
    guard: Guard,
    hasher: Hasher,
    /// Bytes that are there.
    have: u64,
    /// Whether the server was ever heard of.
    heard: bool,
}

impl<'a> Download<'a> {
    fn open(network: &'a Network, request: Request<'a>, part: &Path) -> Result<Self, StoreError> {
        let folder = part.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(StoreError::disk("make the folder", folder))?;
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(part);
        let file = file.map_err(StoreError::disk("write", part))?;
        let guard = Guard::read(part, request.address).unwrap_or_default();
        let mut download =
            Self { network, request, part: part.to_path_buf(), file, guard, hasher: Hasher::default(), have: 0, heard: false };
        // Bytes of which nothing is known, and that no hash would check, cannot be gone on with.
        if download.guard.validator.is_some() || !download.guard.address.is_empty() && request.sha256.is_some() {
            let read = download.hasher.read(&download.file, &mut |_| {});
            download.have = read.map_err(StoreError::disk("read", part))?;
        } else {
            download.restart()?;
        }
        Ok(download)
    }

    fn restart(&mut self) -> Result<(), StoreError> {
        self.file.set_len(0).map_err(StoreError::disk("write", &self.part))?;
        self.file.rewind().map_err(StoreError::disk("write", &self.part))?;
        (self.hasher, self.have) = (Hasher::default(), 0);
        Ok(())
    }

    /// Attempts until all is there, or too many in a row brought nothing.
    fn run(&mut self, watch: &mut Watch<'_>) -> Result<(), StoreError> {
        let mut failures = 0;
        loop {
            let before = self.have;
            let (why, wait) = match self.attempt(watch) {
                Ok(()) => return Ok(()),
                Err(Trouble::Lasting(error)) => return Err(error),
                Err(Trouble::Unreachable(why)) if !self.heard => return Err(connection(self.request.address, why)),
                Err(Trouble::Unreachable(why)) => (why, None),
                Err(Trouble::Passing { why, wait }) => (why, wait),
            };
            failures = if self.have > before { 1 } else { failures + 1 };
            if failures >= self.network.patience.tries {
                return Err(connection(self.request.address, why));
            }
            let wait = wait.unwrap_or_else(|| self.network.patience.wait(failures));
            watch(Event::Note(format!("`{}`: {why} after {}; trying again{}", self.request.name, bytes(self.have), shown(wait))));
            std::thread::sleep(wait);
        }
    }

    /// One request, and all that comes of it.
    fn attempt(&mut self, watch: &mut Watch<'_>) -> Result<(), Trouble> {
        let response = self.network.get(self.request.address, &self.headers())?;
        self.heard = true;
        let total = match response.status().as_u16() {
            206 => self.go_on(response.headers())?,
            416 if self.is_whole(response.headers()) => return Ok(()),
            416 => {
                self.restart()?;
                return Err(Trouble::Passing { why: "what is there does not fit".to_owned(), wait: None });
            }
            _ => self.begin(&response)?,
        };
        if let (Some(wanted), Some(got)) = (self.request.size, total)
            && wanted != got
        {
            return Err(StoreError::Length { file: self.request.name.to_owned(), wanted, got }.into());
        }
        watch(Event::File { name: self.request.name.to_owned(), size: total.or(self.request.size) });
        self.take(response.into_body(), watch)?;
        match total {
            Some(total) if self.have < total => Err(Trouble::Passing { why: "the connection broke off".to_owned(), wait: None }),
            _ => Ok(()),
        }
    }

    /// Asks for the rest, unless nothing would tell whether it fits what is there.
    fn headers(&self) -> Vec<(&'static str, String)> {
        if self.have == 0 || self.guard.validator.is_none() && self.request.sha256.is_none() {
            return Vec::new();
        }
        let range = ("range", format!("bytes={}-", self.have));
        let guard = self.guard.validator.clone().map(|validator| ("if-range", validator));
        std::iter::once(range).chain(guard).collect()
    }

    /// The file from its first byte: the server knows no ranges, or has another edition by now. Gives its length.
    fn begin(&mut self, response: &Response<Body>) -> Result<Option<u64>, StoreError> {
        self.restart()?;
        self.guard = Guard::of(self.request.address, response.headers(), &final_address(response));
        self.guard.write(&self.part).map_err(StoreError::disk("write", &self.part))?;
        Ok(text(response.headers(), "content-length").and_then(|length| length.parse().ok()))
    }

    /// The rest of the file, if it is that. Gives its whole length.
    fn go_on(&mut self, headers: &HeaderMap) -> Result<Option<u64>, Trouble> {
        let range = text(headers, "content-range").unwrap_or_default();
        let (span, total) = range.trim_start_matches("bytes ").split_once('/').unwrap_or_default();
        let from = span.split('-').next().and_then(|from| from.parse::<u64>().ok());
        if from != Some(self.have) {
            self.restart()?;
            return Err(Trouble::Passing { why: "the server sends another part".to_owned(), wait: None });
        }
        self.file.seek(SeekFrom::Start(self.have)).map_err(StoreError::disk("write", &self.part))?;
        Ok(total.parse().ok())
    }

    /// Whether a server that has nothing more to give has a file just as long as what is there.
    fn is_whole(&self, headers: &HeaderMap) -> bool {
        let total = text(headers, "content-range").and_then(|range| range.rsplit('/').next().and_then(|total| total.parse().ok()));
        self.have > 0 && total.or(self.request.size) == Some(self.have)
    }

    fn take(&mut self, body: Body, watch: &mut Watch<'_>) -> Result<(), Trouble> {
        let (mut reader, mut block) = (body.into_reader(), vec![0; BLOCK]);
        loop {
            watch(Event::At(self.have));
            let n = match reader.read(&mut block) {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => return Err(Trouble::Passing { why: "the connection broke off".to_owned(), wait: None }),
            };
            self.file.write_all(&block[..n]).map_err(StoreError::disk("write", &self.part))?;
            self.hasher.add(&block[..n]);
            self.have += n as u64;
        }
    }

    /// Compares what came with what was promised; what is wrong is removed.
    fn finish(self) -> Result<Fetched, StoreError> {
        self.file.sync_all().map_err(StoreError::disk("write", &self.part))?;
        let (got, file) = (self.hasher.hex(), self.request.name.to_owned());
        let promised = self.request.sha256.map(str::to_lowercase).or(self.guard.sha256);
        let wrong = match (self.request.size, promised) {
            (Some(wanted), _) if wanted != self.have => Some(StoreError::Length { file, wanted, got: self.have }),
            (_, Some(wanted)) if wanted != got => {
                let advice = "what came was thrown away; try again, and if it happens again, do not trust the source";
                Some(StoreError::Hash { file, wanted, got: got.clone(), advice })
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            let _ = fs::remove_file(&self.part);
            let _ = fs::remove_file(Guard::path(&self.part));
            return Err(wrong);
        }
        Ok(Fetched { size: self.have, sha256: got, name: self.guard.name })
    }
}

/// Waits that are long enough to be told.
fn shown(wait: Duration) -> String {
    if wait < Duration::from_secs(1) { String::new() } else { format!(" in {} s", wait.as_secs()) }
}
