//! Durations and sizes as people write them: `500ms`, `3s`, `2m`; `64Ki`, `1Mi`.

use std::time::Duration;

/// A quantity that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadQuantity {
    /// No duration.
    #[error("write a duration of at least 1ms, such as 500ms, 3s, 2m, 1h or 7d")]
    Duration,
    /// No number of bytes.
    #[error("write a number of bytes such as 4096, 64Ki or 1Mi")]
    Bytes,
}

/// Reads a duration: a whole number above 0, and `ms`, `s`, `m`, `h` or `d`.
pub fn duration(text: &str) -> Result<Duration, BadQuantity> {
    let (number, unit) = split(text).ok_or(BadQuantity::Duration)?;
    let scale = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(BadQuantity::Duration),
    };
    let millis = number.checked_mul(scale).filter(|millis| *millis > 0);
    millis.map(Duration::from_millis).ok_or(BadQuantity::Duration)
}

/// Reads a number of bytes: a whole number, alone or with `Ki`, `Mi` or `Gi`.
pub fn bytes(text: &str) -> Result<u32, BadQuantity> {
    size(text)?.try_into().map_err(|_| BadQuantity::Bytes)
}

/// The same without the limit of 4 GiB.
pub fn size(text: &str) -> Result<u64, BadQuantity> {
    let (number, unit) = split(text).ok_or(BadQuantity::Bytes)?;
    let scale = match unit {
        "" => 1,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return Err(BadQuantity::Bytes),
    };
    number.checked_mul(scale).ok_or(BadQuantity::Bytes)
}

/// Shows a duration as a person reads it: `8 ms`, `1.2 s`, `3 min`.
pub fn show_duration(duration: Duration) -> String {
    match duration.as_millis() {
        0 => format!("{} µs", duration.as_micros()),
        millis @ 1..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{:.1} s", duration.as_secs_f64()),
        _ => format!("{} min {} s", duration.as_secs() / 60, duration.as_secs() % 60),
    }
}

/// Shows a number of bytes: `812 B`, `64.0 KiB`.
pub fn show_bytes(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let power = (bytes.ilog2() / 10) as usize;
    format!("{:.1} {}", bytes as f64 / 1024_f64.powi(power as i32), units[power - 1])
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for bad in ["", "3", "0", "0ms", "0s", "s", "-1s", "1.5s", "3 s", "99999999999999999999s"] {
            assert_eq!(duration(bad), Err(BadQuantity::Duration), "{bad}");
        }
    }

    #[test]
    fn sizes_are_binary() {
        assert_eq!(bytes("64Ki"), Ok(65_536));
        assert_eq!(bytes("7"), Ok(7));
        assert_eq!(size("4Gi"), Ok(1 << 32));
        for bad in ["", "64K", "-1", "4Gi", "1e3"] {
            assert_eq!(bytes(bad), Err(BadQuantity::Bytes), "{bad}");
        }
    }

    #[test]
    fn quantities_are_shown_short() {
        assert_eq!(show_duration(Duration::from_micros(8_400)), "8 ms");
        assert_eq!(show_duration(Duration::from_micros(90)), "90 µs");
        assert_eq!(show_duration(Duration::from_millis(1_240)), "1.2 s");
        assert_eq!(show_duration(Duration::from_secs(125)), "2 min 5 s");
        assert_eq!(show_bytes(812), "812 B");
        assert_eq!(show_bytes(65_536), "64.0 KiB");
        assert_eq!(show_bytes(u64::MAX), "16.0 EiB");
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange_to_refuse(text: String, number: u64) {
            let _ = (duration(&text), bytes(&text), show_bytes(number));
        }
    }
}
