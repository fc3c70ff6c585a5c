//! Batches from an iterator.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::*;
use crate::error::Error;

/// The data in batches of 8, in order, `steps` an epoch.
fn batches(samples: usize, steps: usize) -> Batches<'static, Set> {
    Batches::new(steps, move |_| {
        let all = data(samples);
        (0..samples / 8).map(move |batch| Ok(Set(all.slice(batch * 8..batch * 8 + 8))))
    })
}

fn options<'a>() -> Fit<'a, Report> {
    Fit::default().epochs(3).batch_size(8).shuffle(false).quiet()
}

#[test]
fn batches_of_an_iterator_train_as_the_same_data_in_memory_does() {
    for workers in [0, 1, 5] {
        let (mut resident, mut iterated) = (net(1), net(1));
        let a = resident.fit(&Set(data(80)), options()).unwrap();
        let b = iterated.fit(&batches(80, 10), options().workers(workers)).unwrap();
        assert_eq!(a.step_losses, b.step_losses);
        assert_eq!(a.epochs[2].train, b.epochs[2].train);
        assert_eq!(resident.parameter("dense.weight").unwrap(), iterated.parameter("dense.weight").unwrap());
        let whole = net(1).evaluate(&data(80)).unwrap();
        let parts = net(1).evaluate(batches(80, 10).data()).unwrap();
        let (whole, parts) = (whole.numbers, parts.numbers);
        assert!(whole.iter().zip(&parts).all(|(a, b)| (a - b).abs() < 1e-6 * a.abs()), "{whole:?} {parts:?}");
    }
    let validation = batches(40, 5);
    let history = net(1).fit(&Set(data(80)), options().validation_data(&validation)).unwrap();
    assert!(history.epochs.iter().all(|epoch| epoch.validation.is_some()));
}

#[test]
fn each_epoch_has_an_iterator_of_its_own_by_its_number() {
    let begun = AtomicUsize::new(0);
    let taken = AtomicUsize::new(0);
    let endless = Batches::new(4, |epoch| {
        begun.fetch_max(epoch as usize + 1, SeqCst);
        let (all, taken) = (data(64), &taken);
        (0..).map(move |batch: usize| {
            taken.fetch_add(1, SeqCst);
            let first = (batch + epoch as usize) % 8 * 8;
            Ok(Set(all.slice(first..first + 8)))
        })
    });
    let whole = net(1).fit(&endless, options()).unwrap();
    assert_eq!((whole.step_losses.len(), begun.load(SeqCst), taken.load(SeqCst)), (12, 3, 12));
    assert_eq!(net(1).fit(&endless, options().steps_per_epoch(2)).unwrap().step_losses.len(), 6);
    // A run that goes on in the middle of an epoch, and at its end.
    for stop in [4, 5, 6, 8, 11] {
        let mut stopped = net(1);
        let mut done = 0;
        let first = stopped.fit(
            &endless,
            options().on_batch_end(|_, control| {
                done += 1;
                control.stop = done == stop;
            }),
        );
        let rest = stopped.fit(&endless, options().resumed()).unwrap();
        assert_eq!([first.unwrap().step_losses, rest.step_losses].concat(), whole.step_losses, "after {stop}");
    }
}

#[test]
fn batches_that_do_not_fit_are_errors() {
    let error = |data: &Batches<'_, Set>, options: Fit<'_, Report>| net(1).fit(data, options).unwrap_err().to_string();
    assert_eq!(error(&batches(80, 12), options()), "the batches of epoch 1 ended after 10 of 12");
    let message = "batch 1 of its epoch has 8 samples, but batch_size is 9";
    assert_eq!(error(&batches(80, 10), options().batch_size(9)), message);
    assert!(
        error(&batches(80, 10), options().shuffle(true))
            .starts_with("shuffle(true), but batches of an iterator come in")
    );
    let message = "validation_split cannot take batches of an iterator apart: give validation_data instead";
    assert_eq!(error(&batches(80, 10), options().validation_split(0.1)), message);
    let failing = Batches::new(3, |_| {
        (0..3).map(|batch| if batch == 2 { Err(Error::Data("the line is dead".into())) } else { Ok(Set(data(8))) })
    });
    assert_eq!(error(&failing, options()), "the line is dead");
    assert_eq!(error(&batches(80, 0), options()), "there are no samples");
    assert_eq!(net(1).evaluate(batches(80, 0).data()).unwrap_err().to_string(), "there are no samples");
}
