//! What a runtime is.

use prepl_core::describe::MAX_LOADED;
use prepl_core::read_only::Keeper;
use prepl_core::{Description, InterruptStrength, LoadedFile};

use super::BadMessage;
use super::claim::{digest, micros, moment};
use super::text::file_name;
use crate::v1::{self, describe_reply::InterruptStrength as Wire, describe_reply::ReadOnly};

impl From<Description> for v1::DescribeReply {
    fn from(description: Description) -> Self {
        let interrupt = match description.interrupt {
            InterruptStrength::None => Wire::None,
            InterruptStrength::Cooperative => Wire::Cooperative,
            InterruptStrength::Forced => Wire::Forced,
        };
        v1::DescribeReply {
            sidecar_version: description.sidecar_version.to_string(),
            driver: description.driver.to_string(),
            language: description.language.to_string(),
            runtime_version: description.runtime_version.to_string(),
            interrupt: interrupt.into(),
            read_only: description.read_only.map(|keeper| match keeper {
                Keeper::Engine => ReadOnly::Engine(v1::EngineHolds {}),
                Keeper::Function(name) => ReadOnly::Function(name.to_string()),
            }),
            loaded: description.loaded.into_iter().map(v1::LoadedFile::from).collect(),
        }
    }
}

impl TryFrom<v1::DescribeReply> for Description {
    type Error = BadMessage;

    fn try_from(wire: v1::DescribeReply) -> Result<Self, BadMessage> {
        let interrupt = match wire.interrupt() {
            Wire::None => InterruptStrength::None,
            Wire::Cooperative => InterruptStrength::Cooperative,
            Wire::Forced => InterruptStrength::Forced,
            Wire::Unspecified => return Err(BadMessage("interrupt strength")),
        };
        let read_only = wire.read_only.map(|keeper| match keeper {
            ReadOnly::Engine(_) => Ok(Keeper::Engine),
            ReadOnly::Function(name) => name.parse().map(Keeper::Function),
        });
        if wire.loaded.len() > MAX_LOADED {
            return Err(BadMessage("loaded files"));
        }
        let loaded = wire.loaded.into_iter().map(LoadedFile::try_from);
        Ok(Description {
            sidecar_version: wire.sidecar_version.into(),
            driver: wire.driver.into(),
            language: wire.language.into(),
            runtime_version: wire.runtime_version.into(),
            interrupt,
            read_only: read_only.transpose().map_err(|_| BadMessage("read-only function"))?,
            loaded: loaded.collect::<Result<_, _>>()?,
        })
    }
}

impl From<LoadedFile> for v1::LoadedFile {
    fn from(LoadedFile { file, digest, at }: LoadedFile) -> Self {
        let (file, digest) = (file.to_string(), digest.as_bytes().to_vec());
        v1::LoadedFile { file, digest, loaded_us: micros(at) }
    }
}

impl TryFrom<v1::LoadedFile> for LoadedFile {
    type Error = BadMessage;

    fn try_from(wire: v1::LoadedFile) -> Result<Self, BadMessage> {
        Ok(LoadedFile {
            file: file_name(&wire.file)?,
            digest: digest(&wire.digest)?,
            at: moment(wire.loaded_us)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prepl_core::Digest;
    use std::time::{Duration, SystemTime};

    fn described(files: usize) -> Description {
        let loaded = |number: usize| LoadedFile {
            file: format!("shop/f{number}.clj").parse().unwrap(),
            digest: Digest::of("(ns shop.core)"),
            at: SystemTime::UNIX_EPOCH + Duration::from_micros(1_000_007),
        };
        Description {
            sidecar_version: "0.1.0".into(),
            driver: "nrepl".into(),
            language: "clojure".into(),
            runtime_version: "1.12.1".into(),
            interrupt: InterruptStrength::Cooperative,
            read_only: Some(Keeper::Engine),
            loaded: (0..files).map(loaded).collect(),
        }
    }

    #[test]
    fn a_description_comes_back_as_it_went() {
        for files in [0, 2, MAX_LOADED] {
            let wire = v1::DescribeReply::from(described(files));
            assert_eq!(Description::try_from(wire), Ok(described(files)));
        }
    }

    #[test]
    fn more_files_than_a_sidecar_remembers_and_what_is_no_file_are_refused() {
        let too_many = v1::DescribeReply::from(described(MAX_LOADED + 1));
        assert!(Description::try_from(too_many).is_err());
        let good = || v1::LoadedFile::from(described(1).loaded.remove(0));
        let bad = [
            v1::LoadedFile { file: "a\nb".into(), ..good() },
            v1::LoadedFile { digest: vec![0; 31], ..good() },
        ];
        assert!(LoadedFile::try_from(good()).is_ok());
        assert!(bad.into_iter().all(|wire| LoadedFile::try_from(wire).is_err()));
    }
}
