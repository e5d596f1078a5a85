//! How often a screen reader is spoken to.

/// The least time between two announcements, in milliseconds.
const QUIET_MS: f64 = 30_000.0;

/// When an announcement may be made, in milliseconds from now, given when the last one was.
#[must_use]
pub(crate) fn wait_before(last: Option<f64>, now: f64) -> f64 {
    last.map_or(0.0, |last| (last + QUIET_MS - now).clamp(0.0, QUIET_MS))
}

#[cfg(test)]
mod tests {
    use super::wait_before;

    #[test]
    fn at_most_one_announcement_in_half_a_minute() {
        assert_eq!(wait_before(None, 5_000.0), 0.0);
        assert_eq!(wait_before(Some(5_000.0), 6_000.0), 29_000.0);
        assert_eq!(wait_before(Some(5_000.0), 35_000.0), 0.0);
        // A clock that was set back does not silence it for longer.
        assert_eq!(wait_before(Some(90_000.0), 1_000.0), 30_000.0);
    }
}
