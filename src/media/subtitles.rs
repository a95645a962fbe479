//! Subtitles beside the video: copied, or as plain text in the form that the container takes.

use ffmpeg_next::codec::{Id, Parameters};
use ffmpeg_next::{Packet, Rational, Rescale, media};

use super::MediaError;
use super::container::{self, Container};
use super::mux::Muxer;
use super::reader::{TrackReader, seconds, ticks};
use super::sys;
use crate::frame::Track;

const MILLISECOND: Rational = Rational(1, 1000);

/// A line is kept back until it is over, in case the video ends before; but no longer than this, since the muxer waits for it.
const LONGEST_WAIT: f64 = 8.0;

/// A subtitle track on its way into a file.
pub(super) struct Subtitles {
    reader: TrackReader,
    stream: usize,
    /// The text form to write, or `None` to copy packets.
    to: Option<Id>,
    waiting: Option<Packet>,
    ended: bool,
}

impl Subtitles {
    /// Adds a stream for `track` to `muxer`; the reason, as a note for the user, when the container cannot show these subtitles.
    pub(super) fn open(track: &Track, container: &Container, muxer: &mut Muxer) -> Result<Result<Self, String>, MediaError> {
        // Long enough before the start to catch a line that is still to be read.
        let reader = TrackReader::open(track, 15.0)?;
        let from = reader.parameters.id();
        let wanted = match container.subtitles {
            container::Subtitles::None => None,
            container::Subtitles::MovText => Some(Id::MOV_TEXT),
            container::Subtitles::WebVtt => Some(Id::WEBVTT),
            container::Subtitles::Any if from != Id::MOV_TEXT && sys::muxer_takes(container.muxer, from) => Some(from),
            container::Subtitles::Any => Some(Id::SUBRIP),
        };
        let Some(wanted) = wanted.filter(|w| *w == from || is_text(from)) else {
            let name = from.name();
            return Ok(Err(format!("subtitles left out: `.{}` files cannot hold {name} ones; an `.mkv` can", container.extension())));
        };
        let to = (wanted != from).then_some(wanted);
        let parameters = to.map_or_else(|| reader.parameters.clone(), text_parameters);
        let stream = muxer.add(&parameters, MILLISECOND, None)?;
        muxer.label(stream, &reader.labels);
        Ok(Ok(Self { reader, stream, to, waiting: None, ended: false }))
    }

    /// Writes what is over before `written` seconds of the output.
    pub(super) fn until(&mut self, written: f64, muxer: &mut Muxer) -> Result<(), MediaError> {
        self.write_until(written, f64::INFINITY, muxer)
    }

    /// Writes the rest, up to the video's end at `end` seconds.
    pub(super) fn finish(mut self, end: f64, muxer: &mut Muxer) -> Result<(), MediaError> {
        self.write_until(end, end, muxer)
    }

    /// The next line, in the output's time.
    fn next(&mut self) -> Result<Option<Packet>, MediaError> {
        let stretch = self.reader.stretch;
        let longer = |time: i64| (time as f64 * stretch).round() as i64;
        Ok(self.reader.next()?.map(|mut packet| {
            if stretch != 1.0 {
                packet.set_pts(packet.pts().map(longer));
                packet.set_dts(packet.dts().map(longer));
                packet.set_duration(longer(packet.duration()));
            }
            packet
        }))
    }

    /// Writes what is over before `limit`; where the video's `end` is known, what starts before it, cut there.
    fn write_until(&mut self, limit: f64, end: f64, muxer: &mut Muxer) -> Result<(), MediaError> {
        let end = end.min(self.reader.length);
        while !self.ended {
            let Some(mut packet) = self.waiting.take().map_or_else(|| self.next(), |p| Ok(Some(p)))? else {
                self.ended = true;
                break;
            };
            let start = seconds(packet.pts().unwrap_or(0), self.reader.time_base);
            let lasts = if end.is_finite() { 0.0 } else { seconds(packet.duration(), self.reader.time_base).min(LONGEST_WAIT) };
            if start >= end || start + lasts >= limit {
                self.waiting = Some(packet);
                break;
            }
            if self.clip(&mut packet, end) {
                self.write(packet, muxer)?;
            }
        }
        Ok(())
    }

    /// Cuts the packet to 0..`end`; whether anything is left.
    fn clip(&self, packet: &mut Packet, end: f64) -> bool {
        let start = packet.pts().unwrap_or(0);
        // Without a duration a picture stands until the next one; a line of text gets two seconds.
        let lasts = if packet.duration() > 0 || self.to.is_none() { packet.duration() } else { ticks(2.0, self.reader.time_base) };
        let last = if end.is_finite() { (start + lasts).min(ticks(end, self.reader.time_base)) } else { start + lasts };
        packet.set_pts(Some(start.max(0)));
        packet.set_dts(Some(start.max(0)));
        packet.set_duration((last - start.max(0)).max(0));
        last > 0 || (start >= 0 && lasts == 0)
    }

    fn write(&self, packet: Packet, muxer: &mut Muxer) -> Result<(), MediaError> {
        let Some(to) = self.to else { return muxer.write(packet, self.stream, self.reader.time_base) };
        let text = plain_text(packet.data().unwrap_or_default(), self.reader.parameters.id());
        if text.is_empty() {
            return Ok(());
        }
        let mut out = Packet::copy(&encode_text(&text, to));
        let in_ms = |time: i64| time.rescale(self.reader.time_base, MILLISECOND);
        out.set_pts(packet.pts().map(in_ms));
        out.set_dts(packet.pts().map(in_ms));
        out.set_duration(in_ms(packet.duration()));
        out.set_flags(ffmpeg_next::packet::Flags::KEY);
        muxer.write(out, self.stream, MILLISECOND)
    }
}

fn is_text(id: Id) -> bool {
    matches!(id, Id::SUBRIP | Id::TEXT | Id::ASS | Id::SSA | Id::WEBVTT | Id::MOV_TEXT)
}

fn text_parameters(id: Id) -> Parameters {
    let mut parameters = Parameters::new();
    parameters.set_medium(media::Type::Subtitle);
    parameters.set_id(id);
    if id == Id::MOV_TEXT {
        sys::set_extradata(&mut parameters, &tx3g_defaults());
    }
    parameters
}

/// The sample description of timed text (ETSI TS 126 245, 5.16): centred at the bottom, white on nothing, one sans-serif font.
fn tx3g_defaults() -> Vec<u8> {
    let mut out = vec![0, 0, 0, 0]; // display flags
    out.extend([1, 0xff]); // justified: centre, bottom
    out.extend([0; 4]); // background
    out.extend([0; 8]); // text box: the whole picture
    out.extend([0, 0, 0, 0, 0, 1, 0, 18, 0xff, 0xff, 0xff, 0xff]); // style: all characters, font 1, plain, size 18, white
    out.extend([0, 0, 0, 17]); // font table
    out.extend(b"ftab");
    out.extend([0, 1, 0, 1, 4]);
    out.extend(b"Sans");
    out
}

fn encode_text(text: &str, to: Id) -> Vec<u8> {
    if to != Id::MOV_TEXT {
        return text.as_bytes().to_vec();
    }
    let mut end = text.len().min(usize::from(u16::MAX));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = strip_tags(&text[..end], &[]);
    let mut out = (text.len() as u16).to_be_bytes().to_vec();
    out.extend(text.as_bytes());
    out
}

/// The words of one subtitle, with `<i>`, `<b>` and `<u>` but no other markup.
fn plain_text(data: &[u8], from: Id) -> String {
    let data = if from == Id::MOV_TEXT {
        let length = data.first_chunk::<2>().map_or(0, |l| usize::from(u16::from_be_bytes(*l)));
        data.get(2..2 + length).unwrap_or_default()
    } else {
        data
    };
    let text = String::from_utf8_lossy(data);
    let text = if matches!(from, Id::ASS | Id::SSA) {
        // ReadOrder, Layer, Style, Name, three margins, Effect; then the text, which may hold commas.
        let words = text.splitn(9, ',').nth(8).unwrap_or("");
        words.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
    } else {
        text.replace("\r\n", "\n")
    };
    strip_tags(&strip_braces(&text), &["i", "b", "u"]).trim().to_owned()
}

/// Removes `{\…}` overrides, which SubRip files carry too.
fn strip_braces(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{\\") {
        out.push_str(before);
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out + rest
}

/// Removes `<…>` tags but those of `keep`; a lone `<` stays.
fn strip_tags(text: &str, keep: &[&str]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let name = tail[1..].trim_start_matches('/');
        let Some(end) = tail.find('>').filter(|_| name.starts_with(|c: char| c.is_ascii_alphanumeric())) else {
            out.push('<');
            rest = &tail[1..];
            continue;
        };
        if keep.contains(&tail[1..end].trim_start_matches('/')) {
            out.push_str(&tail[..=end]);
        }
        rest = &tail[end + 1..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_and_markup_goes() {
        let plain = |text: &str, from| plain_text(text.as_bytes(), from);
        assert_eq!(plain("{\\an8}<font color=\"#fff\">5 < 6 and <i>so</i> on</font>\r\n", Id::SUBRIP), "5 < 6 and <i>so</i> on");
        assert_eq!(plain("3,0,Default,,0,0,0,,{\\i1}Well,{\\i0} then\\Nhello", Id::ASS), "Well, then\nhello");
        assert_eq!(plain_text(&[0, 3, b'a', b'b', b'c', 9, 9], Id::MOV_TEXT), "abc");
        assert_eq!(encode_text("<i>é</i>", Id::MOV_TEXT), [0, 2, 0xc3, 0xa9]);
        assert_eq!(encode_text("<i>x</i>", Id::WEBVTT), b"<i>x</i>");
    }
}
