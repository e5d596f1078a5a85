//! The part of a file's name that changes with its content.

use sha2::{Digest, Sha256};

/// The first 12 hexadecimal digits of the SHA-256 of the parts: enough to tell versions of one file apart.
pub(crate) fn digest(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn it_is_the_beginning_of_the_sha_256() {
        assert_eq!(digest(&[b"a", b"bc"]), "ba7816bf8f01");
    }
}
