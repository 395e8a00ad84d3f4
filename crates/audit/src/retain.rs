//! Which files go, so that a log does not grow without end.

use crate::chain::is_file_name;
use crate::disk::Disk;
use crate::settings::Settings;

/// Names of the files that are too many, oldest first; never the newest.
fn too_many(mut files: Vec<(String, u64)>, settings: &Settings) -> Vec<String> {
    files.retain(|(name, _)| is_file_name(name));
    files.sort_unstable();
    let mut bytes: u64 = files.iter().map(|(_, size)| size).sum();
    let mut count = files.len();
    let mut gone = Vec::new();
    for (name, size) in files {
        let fits = count <= settings.keep_files.get() && bytes <= settings.keep_bytes;
        if fits || count == 1 {
            break;
        }
        bytes -= size;
        count -= 1;
        gone.push(name);
    }
    gone
}

/// Deletes what is too much. A failure is told and tried again with the next file.
pub(crate) fn retain<D: Disk>(disk: &D, settings: &Settings) {
    let kept = disk.list().and_then(|files| {
        let gone = too_many(files, settings);
        // One by one from the oldest on, so that a crash leaves no gap.
        gone.iter().try_for_each(|name| disk.remove(name).and_then(|()| disk.sync_folder()))
    });
    if let Err(error) = kept {
        tracing::warn!(%error, "old files of the audit log cannot be deleted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::file_name;

    fn gone(sizes: &[u64], keep_files: usize, keep_bytes: u64) -> usize {
        let mut settings = Settings::new("test");
        settings.keep_files = keep_files.try_into().unwrap();
        settings.keep_bytes = keep_bytes;
        let strange = ("lock".to_owned(), 1000);
        let named = sizes.iter().zip(0..).map(|(size, seq)| (file_name(seq), *size));
        let mut files: Vec<_> = named.chain([strange]).collect();
        files.reverse();
        let gone = too_many(files, &settings);
        let oldest: Vec<_> = (0..gone.len() as u64).map(file_name).collect();
        assert_eq!(gone, oldest, "the oldest go");
        gone.len()
    }

    #[test]
    fn the_oldest_go_and_the_newest_stays() {
        assert_eq!(gone(&[10, 10, 10], 3, 30), 0);
        assert_eq!(gone(&[10, 10, 10], 2, 30), 1);
        assert_eq!(gone(&[10, 10, 10], 3, 29), 1);
        assert_eq!(gone(&[10, 10, 10], 3, 0), 2);
        assert_eq!(gone(&[], 1, 0), 0);
    }
}
