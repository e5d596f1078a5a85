//! How far two markers agree about the same works. Pure.
//!
//! The figures and the bounds are those of the field: quadratic weighted kappa (Cohen 1968), shares of exact and adjacent
//! levels, and the standardised difference of the means, judged as Williamson, Xi and Breyer do in "A Framework for
//! Evaluation and Use of Automated Scoring" (Educational Measurement: Issues and Practice 31(1), 2012).

use serde::Serialize;

/// Fewer works than this tell nothing of how far markers agree.
pub const FEWEST: usize = 30;
/// The least kappa of marks that can stand for others.
pub const LEAST_KAPPA: f64 = 0.70;
/// The most by which the means may differ, in standard deviations.
pub const MOST_SHIFT: f64 = 0.15;

/// How far the points of two markers agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Agreement {
    /// Works that both marked.
    pub works: usize,
    /// Quadratic weighted kappa: 1 for the same points throughout, 0 for no more than chance; none where either nobody
    /// marked, or all points are the same.
    pub kappa: Option<f64>,
    /// By how much the mean of the second is above that of the first, in hundredths of points.
    pub difference: f64,
    /// The same in standard deviations (the root of the mean of both variances); none where all points are the same.
    pub shift: Option<f64>,
    /// The share of works with the same points.
    pub same: f64,
}

/// What figures of agreement say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// One can stand for the other.
    Equal,
    /// One can't stand for the other.
    Different,
    /// Too little is known.
    Open,
}

/// How far two markers agree about the levels of one criterion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Levels {
    /// Works whose level both gave.
    pub works: usize,
    /// The share with the same level.
    pub exact: f64,
    /// The share with the same level or one next to it.
    pub adjacent: f64,
    /// Quadratic weighted kappa of the levels, by their order.
    pub kappa: Option<f64>,
}

impl Agreement {
    /// The agreement of pairs of points, in hundredths: the first marker's and the second's.
    #[must_use]
    pub fn of(pairs: &[(i64, i64)]) -> Self {
        let works = pairs.len();
        if works == 0 {
            return Self::default();
        }
        let moments = Moments::of(pairs);
        let spread = ((moments.variances.0 + moments.variances.1) / 2.0).sqrt();
        let same = pairs.iter().filter(|(one, other)| one == other).count();
        Self {
            works,
            kappa: moments.kappa(),
            difference: moments.difference(),
            shift: (spread > 0.0).then(|| moments.difference() / spread),
            same: share(same, works),
        }
    }

    /// Whether one can stand for the other.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match (self.kappa, self.shift) {
            _ if self.works < FEWEST => Verdict::Open,
            (Some(kappa), Some(shift)) if kappa >= LEAST_KAPPA && shift.abs() <= MOST_SHIFT => Verdict::Equal,
            (Some(_), Some(_)) => Verdict::Different,
            _ => Verdict::Open,
        }
    }

    /// The verdict in words, with what it rests on.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { works, .. } = self;
        let (Some(kappa), Some(shift)) = (self.kappa, self.shift) else {
            return match works {
                0 => "No work has been marked by both yet.".to_owned(),
                _ => "All points are the same so far, so that nothing can be told.".to_owned(),
            };
        };
        match self.verdict() {
            Verdict::Open => {
                format!("Too few to tell: {works} works were marked by both, and {FEWEST} are needed.")
            }
            Verdict::Equal => format!(
                "Judged equal: kappa is at least {LEAST_KAPPA:.2}, and the means are at most {MOST_SHIFT:.2} standard \
                 deviations apart."
            ),
            Verdict::Different if kappa < LEAST_KAPPA => {
                format!("Not judged equal: kappa is below {LEAST_KAPPA:.2}.")
            }
            Verdict::Different => format!(
                "Not judged equal: the means are {:.2} standard deviations apart, more than {MOST_SHIFT:.2}.",
                shift.abs()
            ),
        }
    }
}

impl Levels {
    /// The agreement of pairs of levels, by their places in the rubric.
    #[must_use]
    pub fn of(pairs: &[(i64, i64)]) -> Self {
        let works = pairs.len();
        if works == 0 {
            return Self::default();
        }
        let within = |most: u64| pairs.iter().filter(|(one, other)| one.abs_diff(*other) <= most).count();
        Self {
            works,
            exact: share(within(0), works),
            adjacent: share(within(1), works),
            kappa: Moments::of(pairs).kappa(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of works and points are far below 2^52")]
fn share(part: usize, all: usize) -> f64 {
    part as f64 / all.max(1) as f64
}

/// Means and variances of both markers, and the mean of their squared differences.
struct Moments {
    means: (f64, f64),
    variances: (f64, f64),
    squares: f64,
}

impl Moments {
    #[expect(clippy::cast_precision_loss, reason = "counts of works and points are far below 2^52")]
    fn of(pairs: &[(i64, i64)]) -> Self {
        let n = pairs.len() as f64;
        let mean = |of: &dyn Fn(&(i64, i64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
        let means = (mean(&|p| p.0 as f64), mean(&|p| p.1 as f64));
        Self {
            means,
            variances: (mean(&|p| (p.0 as f64 - means.0).powi(2)), mean(&|p| (p.1 as f64 - means.1).powi(2))),
            squares: mean(&|p| ((p.0 - p.1) as f64).powi(2)),
        }
    }

    fn difference(&self) -> f64 {
        self.means.1 - self.means.0
    }

    /// Cohen's kappa with quadratic weights. The squared difference that is expected by chance, of every mark of one with
    /// every mark of the other, is the sum of the variances and the squared difference of the means.
    fn kappa(&self) -> Option<f64> {
        let chance = self.variances.0 + self.variances.1 + self.difference().powi(2);
        (chance > 0.0).then(|| 1.0 - self.squares / chance)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// Kappa as the textbooks have it, by the matrices of what was observed and what chance would give.
    #[allow(clippy::cast_precision_loss)]
    fn by_matrices(pairs: &[(i64, i64)], levels: usize) -> Option<f64> {
        let n = pairs.len() as f64;
        let (mut observed, mut expected) = (0.0, 0.0);
        for i in 0..levels {
            for j in 0..levels {
                let weight = (i as f64 - j as f64).powi(2);
                let count = |of: &dyn Fn(&&(i64, i64)) -> bool| pairs.iter().filter(of).count() as f64;
                let (i, j) = (i as i64, j as i64);
                observed += weight * count(&|p| **p == (i, j));
                expected += weight * count(&|p| p.0 == i) * count(&|p| p.1 == j) / n;
            }
        }
        (expected > 0.0).then(|| 1.0 - observed / expected)
    }

    proptest! {
        #[test]
        fn kappa_is_that_of_the_textbooks(pairs in prop::collection::vec((0_i64..6, 0_i64..6), 1..60)) {
            let ours = Agreement::of(&pairs).kappa;
            match (ours, by_matrices(&pairs, 6)) {
                (Some(ours), Some(theirs)) => prop_assert!((ours - theirs).abs() < 1e-9, "{ours} {theirs}"),
                (ours, theirs) => prop_assert_eq!(ours, theirs),
            }
            prop_assert_eq!(Levels::of(&pairs).kappa, ours);
        }

        #[test]
        fn who_comes_first_does_not_matter(pairs in prop::collection::vec((0_i64..6, 0_i64..6), 0..60)) {
            let turned: Vec<_> = pairs.iter().map(|(one, other)| (*other, *one)).collect();
            let (one, other) = (Agreement::of(&pairs), Agreement::of(&turned));
            prop_assert_eq!(one.same, other.same);
            prop_assert!((one.difference + other.difference).abs() < 1e-9);
            prop_assert_eq!(one.kappa.is_some(), other.kappa.is_some());
            prop_assert!((one.kappa.unwrap_or(0.0) - other.kappa.unwrap_or(0.0)).abs() < 1e-9);
        }
    }

    #[test]
    fn levels_agree_exactly_or_nearly() {
        let levels = Levels::of(&[(0, 0), (1, 2), (2, 2), (0, 3)]);
        assert_eq!((levels.works, levels.exact, levels.adjacent), (4, 0.5, 0.75));
        assert_eq!(Levels::of(&[]), Levels::default());
    }

    #[test]
    fn verdicts_need_enough_works_a_kappa_and_like_means() {
        let marks = |count: i64, by: fn(i64) -> i64| -> Vec<(i64, i64)> {
            (0..count).map(|n| (n % 7 * 100, by(n) % 700)).collect()
        };
        let like = |n: i64| n % 7 * 100;
        let few = Agreement::of(&marks(29, like));
        assert_eq!((few.verdict(), few.kappa), (Verdict::Open, Some(1.0)));
        assert!(few.words().contains("29 works were marked by both, and 30 are needed"), "{}", few.words());
        let equal = Agreement::of(&marks(35, like));
        assert_eq!((equal.verdict(), equal.same), (Verdict::Equal, 1.0));
        assert!(equal.words().starts_with("Judged equal: kappa is at least 0.70"));
        let chance = Agreement::of(&marks(35, |n| n * n * 300));
        assert_eq!(chance.verdict(), Verdict::Different);
        assert!(chance.words().contains("kappa is below"), "{}", chance.words());
        // In the same order, but all higher.
        let shifted: Vec<_> = marks(35, like).iter().map(|(one, other)| (*one, other + 50)).collect();
        let shifted = Agreement::of(&shifted);
        assert_eq!((shifted.verdict(), shifted.difference), (Verdict::Different, 50.0));
        assert!(shifted.kappa.unwrap() > 0.9 && shifted.words().contains("0.25 standard deviations apart"));
        let flat = Agreement::of(&[(100, 100); 40]);
        assert_eq!((flat.verdict(), flat.kappa), (Verdict::Open, None));
        assert!(flat.words().contains("All points are the same"));
        assert!(Agreement::of(&[]).words().contains("No work"));
    }

    #[test]
    fn a_constant_shift_takes_kappa_down() {
        let pairs: Vec<_> = (0..100).map(|n| (n % 5, n % 5 + 1)).collect();
        // Variances of 2 each, means 1 apart: 1 - 1 / (2 + 2 + 1).
        assert!((Agreement::of(&pairs).kappa.unwrap() - 0.8).abs() < 1e-9);
    }
}
