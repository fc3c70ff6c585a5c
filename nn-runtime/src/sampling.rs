//! Drawing a class from its scores: how language models choose what they write.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use crate::error::{Error, Result};
use crate::init::generator;

/// Draws classes by their scores (logits), by a seed: the same seed and scores give the same classes on the same platform.
///
/// Scores are divided by the temperature; of the classes, only the `top_k` likeliest stay, and of those only the likeliest whose probabilities
/// come to `top_p` together; the softmax of what is left says how often each is drawn. These are the words and the order of Hugging Face's
/// `generate`. A class with a score of minus infinity is never drawn.
///
/// ```
/// use nn_runtime::Sampler;
///
/// # fn main() -> nn_runtime::Result<()> {
/// let mut sampler = Sampler::new(42).temperature(0.8).top_k(3).top_p(0.95);
/// let scores = [0.5, 2.0, 1.5, -1.0, -2.0];
/// let drawn: Vec<u32> = (0..5).map(|_| sampler.sample(&scores)).collect::<Result<_, _>>()?;
/// assert!(drawn.iter().all(|class| *class < 3));
/// assert_eq!(Sampler::greedy().sample(&scores)?, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Sampler {
    temperature: f32,
    top_k: Option<usize>,
    top_p: f32,
    generator: ChaCha8Rng,
    /// Classes in the order of their likelihood, and their weights; kept, so that drawing allocates nothing.
    order: Vec<(u32, f64)>,
}

impl Sampler {
    /// Draws each class as often as the softmax of the scores says.
    pub fn new(seed: u64) -> Self {
        Sampler { temperature: 1.0, top_k: None, top_p: 1.0, generator: generator(seed, "sampling"), order: vec![] }
    }

    /// Always takes the class with the highest score; of equal ones, the first. Nothing is random.
    pub fn greedy() -> Self {
        Sampler::new(0).temperature(0.0)
    }

    /// Divides scores by this: below 1, likely classes become likelier; above 1, all become more alike; 0 takes the likeliest alone. 1 by
    /// default.
    #[must_use]
    pub fn temperature(mut self, temperature: f32) -> Self {
        self.temperature = temperature;
        self
    }

    /// Draws from so many of the likeliest classes; from all by default.
    #[must_use]
    pub fn top_k(mut self, classes: usize) -> Self {
        self.top_k = Some(classes);
        self
    }

    /// Draws from the likeliest classes whose probabilities come to this together, at least one of them (nucleus sampling); from all, 1, by
    /// default.
    #[must_use]
    pub fn top_p(mut self, share: f32) -> Self {
        self.top_p = share;
        self
    }

    /// Draws one class.
    ///
    /// # Errors
    /// If there are no scores, if one is no number or infinite (minus infinity is fine, but not for all), if the temperature is negative or not
    /// finite, if `top_k` is 0, or if `top_p` is not above 0 and at most 1.
    pub fn sample(&mut self, scores: &[f32]) -> Result<u32> {
        self.check()?;
        let best = likeliest(scores)?;
        if self.temperature == 0.0 {
            return Ok(best);
        }
        let highest = scores[best as usize];
        let temperature = f64::from(self.temperature);
        let weight = |&score: &f32| (f64::from(score - highest) / temperature).exp();
        self.order.clear();
        self.order.extend((0..).zip(scores.iter().map(weight)));
        let all = self.order.len();
        let likely = self.top_k.unwrap_or(all).min(all);
        if likely < all || self.top_p < 1.0 {
            // The first of equal ones is the likelier one.
            self.order.sort_unstable_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
            self.order.truncate(likely);
        }
        let sum = |order: &[(u32, f64)]| order.iter().map(|(_, weight)| weight).sum::<f64>();
        if self.top_p < 1.0 {
            let wanted = sum(&self.order) * f64::from(self.top_p);
            let mut so_far = 0.0;
            let nucleus = self.order.iter().position(|(_, weight)| {
                so_far += weight;
                so_far >= wanted
            });
            self.order.truncate(nucleus.map_or(likely, |last| last + 1));
        }
        let mut left = self.generator.random_range(0.0..1.0) * sum(&self.order);
        for (class, weight) in &self.order {
            left -= weight;
            if left < 0.0 {
                return Ok(*class);
            }
        }
        // Only rounding leads here.
        Ok(best)
    }

    fn check(&self) -> Result<()> {
        let Sampler { temperature, top_k, top_p, .. } = self;
        if !temperature.is_finite() || *temperature < 0.0 {
            return Err(Error::Option(format!(
                "the temperature is {temperature}, but it must be at least 0 and finite"
            )));
        }
        if *top_k == Some(0) {
            return Err(Error::Option("`top_k` is 0, but at least one class must be left".into()));
        }
        if !(*top_p > 0.0 && *top_p <= 1.0) {
            return Err(Error::Option(format!("`top_p` is {top_p}, but it must be above 0 and at most 1")));
        }
        Ok(())
    }
}

/// The class with the highest score.
fn likeliest(scores: &[f32]) -> Result<u32> {
    if let Some((class, score)) =
        scores.iter().enumerate().find(|(_, score)| score.is_nan() || **score == f32::INFINITY)
    {
        return Err(Error::Data(format!("the score of class {class} is {score}, but scores must be finite numbers")));
    }
    let best = (0..).zip(scores).reduce(|best, next| if next.1 > best.1 { next } else { best });
    match best {
        None => Err(Error::Data("there are no scores to draw from".into())),
        Some((_, &f32::NEG_INFINITY)) => {
            Err(Error::Data("all scores are minus infinity, so no class can be drawn".into()))
        }
        Some((class, _)) => Ok(class),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each of the classes is drawn of 20,000 times.
    fn shares(mut sampler: Sampler, scores: &[f32]) -> Vec<f64> {
        let mut counts = vec![0; scores.len()];
        (0..20_000).for_each(|_| counts[sampler.sample(scores).unwrap() as usize] += 1);
        counts.into_iter().map(|count| f64::from(count) / 20_000.0).collect()
    }

    fn close(found: &[f64], expected: &[f64]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.015), "{found:?}, not {expected:?}");
    }

    #[test]
    fn classes_come_as_often_as_the_options_say() {
        // Probabilities 0.5, 0.25, 0.125, 0.125.
        let scores: Vec<f32> = [4.0_f32, 2.0, 1.0, 1.0].into_iter().map(f32::ln).collect();
        close(&shares(Sampler::new(1), &scores), &[0.5, 0.25, 0.125, 0.125]);
        close(&shares(Sampler::new(1).temperature(0.5), &scores), &[16.0 / 22.0, 4.0 / 22.0, 1.0 / 22.0, 1.0 / 22.0]);
        close(&shares(Sampler::new(1).top_k(2), &scores), &[2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0]);
        close(&shares(Sampler::new(1).top_k(3), &scores), &[4.0 / 7.0, 2.0 / 7.0, 1.0 / 7.0, 0.0]);
        close(&shares(Sampler::new(1).top_p(0.7), &scores), &[2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0]);
        close(&shares(Sampler::new(1).top_p(0.01), &scores), &[1.0, 0.0, 0.0, 0.0]);
        // 0.6 of the three likeliest: 4/7 is not enough.
        close(&shares(Sampler::new(1).top_k(3).top_p(0.6), &scores), &[2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0]);
        close(&shares(Sampler::new(1), &[0.0, f32::NEG_INFINITY]), &[1.0, 0.0]);
    }

    #[test]
    fn a_seed_repeats_and_greedy_takes_the_first_of_the_highest() {
        let draw = |seed| {
            let mut sampler = Sampler::new(seed);
            (0..50).map(|_| sampler.sample(&[0.0; 9]).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert_eq!(Sampler::greedy().sample(&[1.0, 3.0, 3.0, -1.0]).unwrap(), 1);
        assert_eq!(Sampler::greedy().sample(&[f32::NEG_INFINITY, -5.0]).unwrap(), 1);
    }

    #[test]
    fn what_makes_no_sense_is_an_error() {
        let error = |mut sampler: Sampler, scores: &[f32]| sampler.sample(scores).unwrap_err().to_string();
        let new = || Sampler::new(0);
        assert_eq!(
            error(new().temperature(-1.0), &[0.0]),
            "the temperature is -1, but it must be at least 0 and finite"
        );
        assert_eq!(error(new().top_k(0), &[0.0]), "`top_k` is 0, but at least one class must be left");
        assert_eq!(error(new().top_p(1.5), &[0.0]), "`top_p` is 1.5, but it must be above 0 and at most 1");
        assert_eq!(error(new().top_p(f32::NAN), &[0.0]), "`top_p` is NaN, but it must be above 0 and at most 1");
        assert_eq!(error(new(), &[]), "there are no scores to draw from");
        assert_eq!(error(new(), &[0.0, f32::NAN]), "the score of class 1 is NaN, but scores must be finite numbers");
        assert_eq!(
            error(Sampler::greedy(), &[f32::NEG_INFINITY; 2]),
            "all scores are minus infinity, so no class can be drawn"
        );
    }
}
