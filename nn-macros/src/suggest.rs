//! "Did you mean …?"

/// The name that the user probably meant, if one is near enough: the same letters in another case, one that begins with
/// what was written, or few typing errors away.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |s: &str| s.to_ascii_lowercase().replace('_', "");
    let wanted = plain(written);
    if wanted.len() > 64 {
        return None;
    }
    let limit = ((wanted.len() + 1) / 3).clamp(1, 3);
    let cost = |name: &str| {
        let name = plain(name);
        if name == wanted {
            return Some(0);
        }
        let distance = distance(&wanted, &name);
        if distance <= limit && distance < name.len() {
            return Some(distance);
        }
        let prefix = wanted.len() >= 3 && (name.starts_with(&wanted) || wanted.starts_with(&name) && name.len() >= 3);
        prefix.then_some(limit + 1)
    };
    let near = names.into_iter().filter(|n| *n != written).filter_map(|n| Some((cost(n)?, n)));
    near.min_by_key(|(cost, _)| *cost).map(|(_, name)| name)
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if b.len() > 64 {
        return usize::MAX;
    }
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let same = a[i - 1] == b[j - 1];
                let step = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + usize::from(!same));
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if swapped { step.min(rows[i - 2][j - 2] + 1) } else { step }
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_typing_errors_and_other_spellings() {
        let names = ["dense", "linear", "leaky_relu", "relu", "softmax", "log_softmax", "momentum"];
        let near = |written| nearest(written, names);
        assert_eq!(near("dnese"), Some("dense"));
        assert_eq!(near("Linear"), Some("linear"));
        assert_eq!(near("LeakyReLU"), Some("leaky_relu"));
        assert_eq!(near("sofmax"), Some("softmax"));
        assert_eq!(near("momentun"), Some("momentum"));
        assert_eq!(near("leaky"), Some("leaky_relu"));
        assert_eq!(near("conv2d"), None);
        assert_eq!(near("x"), None);
        assert_eq!(near(&"dense".repeat(100)), None);
    }
}
