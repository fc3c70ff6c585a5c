//! Who hears of what, in which order, and what can be changed.

use std::cell::RefCell;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::*;
use crate::error::Error;

/// Writes down what it hears.
struct Listener<'a> {
    name: &'static str,
    every: usize,
    heard: &'a RefCell<Vec<String>>,
}

impl Listener<'_> {
    fn note(&self, what: &str, event: &Event<'_>) -> Result<()> {
        let Event { epoch, batch, .. } = event;
        let known =
            [event.train.map(|_| " train"), event.last.map(|_| " last"), event.validation.map(|_| " validation")];
        let known: String = known.into_iter().flatten().collect();
        self.heard.borrow_mut().push(format!("{}{what} {epoch}.{batch}{known}", self.name));
        Ok(())
    }
}

impl Callback for Listener<'_> {
    fn batch_events(&self) -> usize {
        self.every
    }
    fn on_train_begin(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        self.note("train begins", event)
    }
    fn on_epoch_begin(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        self.note("epoch begins", event)
    }
    fn on_batch_begin(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        self.note("batch begins", event)
    }
    fn on_batch_end(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        self.note("batch ends", event)
    }
    fn on_validation_begin(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        self.note("validation begins", event)
    }
    fn on_validation_end(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        self.note("validation ends", event)
    }
    fn on_epoch_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        control.save = event.epoch == 1;
        self.note("epoch ends", event)
    }
    fn on_save(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        self.note("save", event)
    }
    fn on_train_end(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        self.note("train ends", event)
    }
}

#[test]
fn events_come_in_the_order_that_is_documented() {
    let heard = RefCell::default();
    let validation = Set(data(10));
    let options = Fit::default().epochs(2).batch_size(16).validation_data(&validation).quiet();
    let options = options.callback(Listener { name: "", every: 1, heard: &heard });
    net(1).fit(&Set(data(40)), options).unwrap();
    let expected = [
        "train begins 1.0",
        "epoch begins 1.0",
        "batch begins 1.0",
        "batch ends 1.1 train last",
        "batch begins 1.1 train",
        "batch ends 1.2 train last",
        "batch begins 1.2 train",
        "batch ends 1.3 train last",
        "validation begins 1.3 train",
        "validation ends 1.3 train validation",
        "epoch ends 1.3 train validation",
        "save 1.0 validation",
        "epoch begins 2.0",
        "batch begins 2.0",
        "batch ends 2.1 train last",
        "batch begins 2.1 train",
        "batch ends 2.2 train last",
        "batch begins 2.2 train",
        "batch ends 2.3 train last",
        "validation begins 2.3 train",
        "validation ends 2.3 train validation",
        "epoch ends 2.3 train validation",
        "train ends 2.0",
    ];
    assert_eq!(heard.into_inner(), expected);
}

#[test]
fn callbacks_hear_in_the_order_they_were_given_and_only_of_the_batches_they_want() {
    let heard = RefCell::default();
    let options = Fit::default().batch_size(10).quiet();
    let options = options.callback(Listener { name: "a ", every: 3, heard: &heard });
    let options = options.callback(Listener { name: "b ", every: 0, heard: &heard });
    net(1).fit(&Set(data(70)), options.callback(Listener { name: "c ", every: 2, heard: &heard })).unwrap();
    let expected = [
        "a train begins 1.0",
        "b train begins 1.0",
        "c train begins 1.0",
        "a epoch begins 1.0",
        "b epoch begins 1.0",
        "c epoch begins 1.0",
        "a batch begins 1.0",
        "c batch begins 1.0",
        "c batch ends 1.2 train last",
        "c batch begins 1.2 train",
        "a batch ends 1.3 train last",
        "a batch begins 1.3 train",
        "c batch ends 1.4 train last",
        "c batch begins 1.4 train",
        "a batch ends 1.6 train last",
        "c batch ends 1.6 train last",
        "a batch begins 1.6 train",
        "c batch begins 1.6 train",
        "a batch ends 1.7 train last",
        "c batch ends 1.7 train last",
        "a epoch ends 1.7 train",
        "b epoch ends 1.7 train",
        "c epoch ends 1.7 train",
        "a save 1.0",
        "b save 1.0",
        "c save 1.0",
        "a train ends 1.0",
        "b train ends 1.0",
        "c train ends 1.0",
    ];
    assert_eq!(heard.into_inner(), expected);
}

#[test]
fn whoever_listens_changes_no_bit() {
    let run = |every| {
        let (mut net, heard) = (net(3), RefCell::default());
        let options = Fit::default().epochs(3).batch_size(9).quiet();
        let history = net.fit(&Set(data(100)), options.callback(Listener { name: "", every, heard: &heard })).unwrap();
        (
            history.step_losses,
            history.epochs.into_iter().map(|e| e.train).collect::<Vec<_>>(),
            net.parameter("dense.weight").unwrap(),
        )
    };
    let deaf = run(0);
    assert!([1, 2, 5, 1000].iter().all(|&every| run(every) == deaf));
}

#[test]
fn there_is_a_closure_for_each_event() {
    let heard = RefCell::new(vec![]);
    let note = |what: String| heard.borrow_mut().push(what);
    let options = Fit::<Report>::default()
        .batch_size(8)
        .validation_split(0.2)
        .on_train_end(|event, _| note(format!("train ends after {}", event.steps)))
        .on_epoch_end(|epoch, _| note(format!("epoch {} ends", epoch.number)))
        .on_validation_end(|report, _| note(format!("validation: {}", report.loss > 0.0)))
        .on_batch_end_every(2, |batch, _| note(format!("batch {} of {}", batch.number, batch.batches)))
        .on_batch_end(|batch, _| note(format!("{}: {}", batch.number, batch.report == batch.epoch_so_far())))
        .on_batch_begin(|event, _| note(format!("after {}", event.batch)))
        .on_epoch_begin(|event, _| note(format!("epoch {} begins", event.epoch)))
        .on_train_begin(|_, _| note("train begins".into()))
        .quiet();
    net(1).fit(&Set(data(30)), options).unwrap();
    let expected = [
        "train begins",
        "epoch 1 begins",
        "after 0",
        "1: true",
        "after 1",
        "batch 2 of 3",
        "2: false",
        "after 2",
        "batch 3 of 3",
        "3: false",
        "validation: true",
        "epoch 1 ends",
        "train ends after 3",
    ];
    assert_eq!(heard.into_inner(), expected);
}

#[test]
fn a_batch_can_end_the_run_and_the_next_run_begins_another_epoch() {
    let mut stopped = net(1);
    let mut heard = vec![];
    let options = Fit::default().epochs(5).batch_size(16).quiet().on_batch_end(|batch, control| {
        control.stop = (batch.epoch, batch.number) == (2, 3);
    });
    let history = stopped.fit(&Set(data(100)), options.on_epoch(|epoch, _| heard.push(epoch.number))).unwrap();
    assert_eq!((heard, history.epochs.len(), history.step_losses.len()), (vec![1], 1, 7 + 3));
    assert_eq!(history.stopped, Some(Stopped::Callback("on_batch_end")));
    assert_eq!((stopped.steps(), stopped.epochs), (10, 1));

    // The same steps, up to there.
    let whole = net(1).fit(&Set(data(100)), Fit::default().epochs(2).batch_size(16).quiet()).unwrap();
    assert_eq!(whole.stopped, None);
    assert_eq!(whole.step_losses[..10], history.step_losses);
    let next = stopped.fit(&Set(data(100)), Fit::default().batch_size(16).quiet()).unwrap();
    assert_eq!((next.epochs[0].number, next.step_losses.len(), stopped.epochs), (1, 7, 3));
    assert_ne!(next.step_losses[3..], whole.step_losses[10..], "the third epoch's order, not the rest of the second");
}

#[test]
fn a_stop_at_the_last_batch_leaves_the_epoch_whole() {
    let options = Fit::default().epochs(5).batch_size(50).quiet();
    let history = net(1).fit(&Set(data(100)), options.on_batch_end(|batch, control| control.stop = batch.number == 2));
    assert_eq!(history.unwrap().epochs.len(), 1);
}

#[test]
fn a_batch_can_set_the_learning_rate_of_the_next_one() {
    let mut rates = vec![];
    let options = Fit::default().epochs(2).batch_size(50).quiet().on_batch_end(|batch, control| {
        rates.push(batch.learning_rate);
        control.learning_rate *= 0.5;
    });
    let (mut fitted, all) = (net(1), data(100));
    fitted.fit(&Set(all.clone()), options.shuffle(false)).unwrap();
    assert_eq!(rates, [0.1, 0.05, 0.025, 0.0125]);
    let mut stepped = net(1);
    for (step, rate) in rates.iter().enumerate() {
        stepped.set_learning_rate(*rate).unwrap();
        stepped.train_batch(&all.slice(step % 2 * 50..step % 2 * 50 + 50)).unwrap();
    }
    assert_eq!(fitted.parameter("dense.weight").unwrap(), stepped.parameter("dense.weight").unwrap());
}

#[test]
fn progress_is_heard_within_an_epoch_and_can_end_it() {
    #[derive(Default)]
    struct Impatient {
        heard: Vec<usize>,
        /// Whether an event had numbers. After one that took long to look at, a few have none.
        knew: bool,
        looked: Option<String>,
    }
    impl Callback for Impatient {
        fn name(&self) -> &'static str {
            "impatient"
        }
        fn on_progress(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
            self.heard.push(event.batch);
            if let Some(values) = event.train {
                assert!(values[0].is_finite());
                self.knew = true;
            }
            self.looked = event.parameter("dense.weight").err().map(|error| error.to_string());
            control.stop = self.heard.len() >= 2 && self.knew;
            Ok(())
        }
    }
    let (mut impatient, mut net) = (Impatient::default(), net(1));
    let options = Fit::default().batch_size(1).workers(0).quiet().callback(&mut impatient);
    // Far more steps than there is patience for.
    let history = net.fit(&streams::stream(&data(100_000_000 / 20), 0.0), options).unwrap();
    assert_eq!(history.stopped, Some(Stopped::Callback("impatient")));
    assert!(impatient.heard.is_sorted() && impatient.knew, "{:?}", impatient.heard);
    assert_eq!(history.step_losses.len() as u64, net.steps());
    assert!(history.epochs.is_empty() && net.steps() >= *impatient.heard.last().unwrap() as u64);
    assert_eq!(impatient.looked.unwrap(), "the network cannot be looked at while its steps run");
}

#[test]
fn an_error_of_a_callback_ends_the_run() {
    struct Failing;
    impl Callback for Failing {
        fn on_epoch_end(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
            if event.epoch == 2 { Err(Error::Data("no more".into())) } else { Ok(()) }
        }
    }
    let mut net = net(1);
    let error = net.fit(&Set(data(10)), Fit::default().epochs(9).quiet().callback(Failing)).unwrap_err();
    assert_eq!((error.to_string().as_str(), net.epochs), ("no more", 2));
}

#[test]
fn numbers_are_made_for_those_who_look_and_once_for_all_of_them() {
    use crate::metrics::{Combined, Measured};
    use std::sync::OnceLock;

    let (mut combined, made) = (Combined::new(&PROGRAM), OnceLock::<Measured>::new());
    combined.add(2, &[3.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let numbers = Numbers::of(&combined, &made);
    assert!(made.get().is_none(), "nobody has looked");
    assert_eq!((numbers[0], numbers.as_slice().as_ptr()), (3.0, numbers.as_slice().as_ptr()));
    assert!(made.get().is_some() && numbers.into_iter().eq(&*numbers));
    assert_eq!(format!("{numbers:?}"), "[3.0, 1.0, 1.0]");
}

#[test]
fn events_know_names_and_parameters() {
    struct Looking(Vec<Vec<f32>>);
    impl Callback for Looking {
        fn on_epoch_end(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
            assert!(event.names().eq(["loss", "mae", "r2"]));
            assert_eq!(event.train.map(|numbers| numbers.len()), Some(3));
            assert!(event.parameters().eq(["dense.weight", "dense.bias"]));
            self.0.push(event.parameter("dense.weight")?);
            Ok(())
        }
    }
    let (mut looking, mut net) = (Looking(vec![]), net(1));
    net.fit(&Set(data(10)), Fit::default().epochs(3).quiet().callback(&mut looking)).unwrap();
    assert_eq!((looking.0.len(), &looking.0[2]), (3, &net.parameter("dense.weight").unwrap()));
    assert_ne!(looking.0[1], looking.0[2]);
}

/// Hears of progress and takes its time, once: as a user who thinks, or as one who looks.
struct Slow {
    took: Option<Instant>,
    is_user: bool,
    /// Events after that, and those of them that had numbers.
    heard: usize,
    looked: usize,
}

impl Callback for Slow {
    fn on_progress(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        let Some(took) = self.took else {
            let begun = Instant::now();
            sleep(Duration::from_millis(400));
            control.waited += if self.is_user { begun.elapsed().as_secs_f64() } else { 0.0 };
            self.took = event.train.map(|_| Instant::now());
            return Ok(());
        };
        self.heard += 1;
        self.looked += usize::from(event.train.is_some());
        control.stop = self.heard == 3 || took.elapsed() > Duration::from_secs(20);
        Ok(())
    }
}

#[test]
fn who_takes_long_hears_of_progress_all_the_same() {
    for is_user in [true, false] {
        let mut slow = Slow { took: None, is_user, heard: 0, looked: 0 };
        fit(Fit::default().epochs(usize::MAX).callback(&mut slow)).unwrap();
        assert_eq!(slow.heard, 3, "a key would wait for {:?}", slow.took.unwrap().elapsed());
        assert_eq!(slow.looked > 0, is_user, "numbers are made rarely where that takes long");
    }
}

#[test]
fn an_update_ends_and_no_more_where_a_run_is_stopped_within_it() {
    /// Stops the run at the first progress, and knows where.
    struct Stops(usize);
    impl Callback for Stops {
        fn on_progress(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
            (self.0, control.stop) = (event.batch, true);
            Ok(())
        }
    }
    let (mut net, mut stops) = (net(7), Stops(0));
    let options = Fit::default().epochs(usize::MAX).batch_size(1).accumulate(1009).shuffle(false).quiet();
    net.fit(&Set(data(100_000)), options.callback(&mut stops)).unwrap();
    let ended = net.position.steps as usize;
    assert_eq!(ended, stops.0.next_multiple_of(1009).min(100_000), "stopped at {}", stops.0);
}
