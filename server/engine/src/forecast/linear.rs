//! Least squares with a little shrinkage, for a handful of features; robust against odd values.

/// Features of one sample: a constant, two of size, three harmonics of the day.
pub(crate) const FEATURES: usize = 9;

pub(crate) type Row = [f64; FEATURES];
type Matrix = [Row; FEATURES];

/// How much each feature but the constant is drawn to none, in samples of unit size: enough that a few batches at odd
/// hours bend nothing.
const SHRINK: f64 = 1.0;

/// Residuals beyond this many robust standard deviations weigh less.
const ODD: f64 = 1.345;

/// What was fitted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fit {
    pub(crate) weights: Row,
    /// What each sample lies above its prediction, had the fit not seen it.
    pub(crate) residuals: Vec<f64>,
}

/// Fits; none where the numbers allow no solution.
pub(crate) fn fit(rows: &[Row], targets: &[f64]) -> Option<Fit> {
    let mut trust = vec![1.0; rows.len()];
    let mut weights = [0.0; FEATURES];
    let mut factor = [[0.0; FEATURES]; FEATURES];
    for _ in 0..4 {
        let (matrix, right) = normal_equations(rows, targets, &trust);
        factor = cholesky(&matrix)?;
        weights = solve(&factor, &right);
        let mut sizes: Vec<f64> =
            rows.iter().zip(targets).map(|(x, y)| (y - dot(x, &weights)).abs()).collect();
        let residuals = sizes.clone();
        sizes.sort_unstable_by(f64::total_cmp);
        let scale = sizes.get(sizes.len() / 2).map_or(0.0, |middle| middle * 1.4826).max(1e-6);
        for (trust, residual) in trust.iter_mut().zip(&residuals) {
            *trust = (ODD * scale / residual.max(1e-12)).min(1.0);
        }
    }
    let residuals = rows
        .iter()
        .zip(targets)
        .zip(&trust)
        .map(|((x, y), trust)| {
            let leverage = (trust * dot(x, &solve(&factor, x))).clamp(0.0, 0.9);
            (y - dot(x, &weights)) / (1.0 - leverage)
        })
        .collect();
    weights.iter().all(|w| w.is_finite()).then_some(Fit { weights, residuals })
}

pub(crate) fn dot(a: &Row, b: &Row) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn normal_equations(rows: &[Row], targets: &[f64], trust: &[f64]) -> (Matrix, Row) {
    let mut matrix = [[0.0; FEATURES]; FEATURES];
    let mut right = [0.0; FEATURES];
    for ((x, y), trust) in rows.iter().zip(targets).zip(trust) {
        for i in 0..FEATURES {
            right[i] += trust * x[i] * y;
            for j in 0..=i {
                matrix[i][j] += trust * x[i] * x[j];
            }
        }
    }
    for (i, row) in matrix.iter_mut().enumerate() {
        row[i] += if i == 0 { 1e-9 } else { SHRINK };
    }
    (matrix, right)
}

/// The lower factor of a symmetric matrix, of which only the lower half is read; none where it is not positive.
fn cholesky(matrix: &Matrix) -> Option<Matrix> {
    let mut factor = [[0.0; FEATURES]; FEATURES];
    for i in 0..FEATURES {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| factor[i][k] * factor[j][k]).sum();
            let rest = matrix[i][j] - known;
            factor[i][j] = if i == j {
                if rest <= 0.0 || !rest.is_finite() {
                    return None;
                }
                rest.sqrt()
            } else {
                rest / factor[j][j]
            };
        }
    }
    Some(factor)
}

fn solve(factor: &Matrix, right: &Row) -> Row {
    let mut x = *right;
    for i in 0..FEATURES {
        let known: f64 = (0..i).map(|k| factor[i][k] * x[k]).sum();
        x[i] = (x[i] - known) / factor[i][i];
    }
    for i in (0..FEATURES).rev() {
        let known: f64 = (i + 1..FEATURES).map(|k| factor[k][i] * x[k]).sum();
        x[i] = (x[i] - known) / factor[i][i];
    }
    x
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn row(n: u32) -> Row {
        let mut row = [0.0; FEATURES];
        row[0] = 1.0;
        for (i, x) in row.iter_mut().enumerate().skip(1) {
            *x = f64::from((n * 37 * u32::try_from(i).unwrap() + n * n) % 101) / 50.0 - 1.0;
        }
        row
    }

    #[test]
    fn it_finds_what_made_the_numbers_and_passes_odd_ones_over() {
        let truth: Row = [5.0, 0.4, 0.0, -1.0, 0.5, 0.0, 0.0, 0.2, 0.0];
        let rows: Vec<Row> = (0..400).map(row).collect();
        let targets: Vec<f64> = rows
            .iter()
            .enumerate()
            .map(|(i, x)| dot(x, &truth) + if i % 23 == 0 { 40.0 } else { 0.0 })
            .collect();
        let found = fit(&rows, &targets).unwrap();
        for (found, true_) in found.weights.iter().zip(truth) {
            assert!((found - true_).abs() < 0.1, "{found} for {true_}");
        }
        assert_eq!(found.residuals.len(), 400);
    }

    #[test]
    fn features_that_never_change_do_no_harm() {
        let rows = vec![[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]; 5];
        let found = fit(&rows, &[2.0, 2.0, 2.0, 2.0, 2.0]).unwrap();
        assert!((found.weights[0] - 2.0).abs() < 1e-6);
        assert!(fit(&[], &[]).is_none_or(|fit| fit.weights[0].abs() < 1e-6));
        assert!(fit(&rows, &[f64::NAN; 5]).is_none());
    }
}
