//! A run on the whole terminal: curves while they grow, progress, and keys.

mod draw;
mod signals;
mod state;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use crossterm::event::{self, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::DefaultTerminal;

use self::signals::Signals;
use self::state::State;
use crate::error::{Error, Result};
use crate::fit::{Callback, Control, Event};

/// How often a paused run looks for keys.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a run that goes on looks for keys: no time at all would be no look.
const LOOK: Duration = Duration::from_micros(100);
/// How often curves grow where that takes a readback.
const GROWTH: f64 = 0.5;
/// Points of a curve in the first epoch there, whose length nobody knows.
const FIRST_POINTS: usize = 20;

/// Shows a run on the whole terminal: `.callback(nn::Dashboard::new())`. Loss and metrics of training and validation are curves that
/// grow while the run does; above them stand the progress of the epoch and of the run, below them speed, learning rate, memory and
/// time left. With the feature `dashboard`.
///
/// | key | |
/// |---|---|
/// | `p`, space | pauses, and goes on |
/// | `s` | asks for a checkpoint, which [`Checkpoints`](crate::Checkpoints) write |
/// | `q`, escape | ends the run after the current step |
/// | Ctrl-C | asks for a checkpoint, ends the run after the current step, and says how to go on; once more, it ends the process |
/// | tab | other metrics, where not all have room |
///
/// Where standard output or input is no terminal, it shows nothing, and `fit` prints its lines as without it. Otherwise `fit` shows nothing
/// beside it. The terminal is put back however the run ends: by an error, a panic or a signal too. The last lines of the run are then
/// printed to standard error.
///
/// On a GPU, what a curve is made of has to be read back: that happens twice a second at most, and in epochs that are shorter only behind
/// them. Progress and speed are current there too.
///
/// ```no_run
/// # fn f<R>() -> nn_runtime::Fit<'static, R> {
/// use nn_runtime::{Dashboard, Fit};
/// let fit = Fit::default().epochs(20).validation_split(0.1).callback(Dashboard::new());
/// # fit
/// # }
/// ```
#[derive(Default)]
pub struct Dashboard {
    screen: Option<Screen>,
    state: State,
    /// After how many steps curves grow, where a device does not tell by itself; 0 is behind each epoch.
    every: usize,
}

impl Dashboard {
    /// One that takes the terminal when the run begins.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks for keys, draws, and stays here while the run is paused.
    fn refresh(&mut self, control: &mut Control) -> Result<()> {
        let Some(screen) = &mut self.screen else { return Ok(()) };
        let (mut wait, begun) = (LOOK, Instant::now());
        loop {
            screen.keys(wait, &mut self.state, control)?;
            screen.draw(&self.state)?;
            if self.state.paused.is_none() || control.stop {
                // What looking at a run costs is no matter of how long its user thinks.
                control.waited += if wait == PAUSE { begun.elapsed().as_secs_f64() } else { 0.0 };
                return Ok(());
            }
            // A checkpoint is written between two steps, which there are none of in a pause.
            if control.save {
                self.state.resume();
            }
            wait = PAUSE;
        }
    }
}

impl Callback for Dashboard {
    fn name(&self) -> &'static str {
        "the dashboard"
    }

    fn batch_events(&self) -> usize {
        self.every
    }

    fn takes_screen(&self) -> bool {
        io::stdout().is_terminal() && io::stdin().is_terminal()
    }

    fn on_train_begin(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        self.state = State::new(event);
        if self.takes_screen() {
            self.screen = Some(Screen::take()?);
            if event.net()?.device().is_gpu() {
                self.every = event.batches.div_ceil(FIRST_POINTS);
            }
        }
        self.refresh(control)
    }

    fn on_epoch_begin(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        self.state.progress(event);
        self.refresh(control)
    }

    fn on_progress(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        self.state.progress(event);
        self.refresh(control)
    }

    fn on_batch_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        self.on_progress(event, control)
    }

    fn on_validation_begin(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        if self.every > 0 {
            self.every = every(event.batch, event.seconds);
        }
        self.state.progress(event);
        self.state.doing = "validating";
        self.refresh(control)
    }

    fn on_epoch_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        if self.every > 0 && !event.validates {
            self.every = every(event.batch, event.seconds);
        }
        self.state.epoch(event);
        self.refresh(control)
    }

    fn on_save(&mut self, _: &Event<'_>, _: &mut Control) -> Result<()> {
        self.state.answered = true;
        Ok(())
    }

    fn on_train_end(&mut self, _: &Event<'_>, _: &mut Control) -> Result<()> {
        if self.screen.take().is_some() {
            self.state.lines().for_each(|line| eprintln!("{line}"));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dashboard {{ on a terminal: {} }}", self.screen.is_some())
    }
}

/// Steps between two points of a curve, after an epoch of so many steps that took so long.
fn every(steps: usize, seconds: f64) -> usize {
    let steps_per_point = steps as f64 * GROWTH / seconds.max(f64::MIN_POSITIVE);
    // An epoch that is shorter has its point at the end anyway, as the last of its steps is always heard of.
    (steps_per_point.ceil().max(1.0) as usize).min(steps.max(1))
}

/// The terminal, as long as it is ours.
struct Screen {
    terminal: DefaultTerminal,
    signals: Option<Signals>,
    /// Whether a key has asked for the end of the run.
    stopping: bool,
}

impl Screen {
    /// Switches to the other screen, where keys come one by one; a panic switches back before it prints its message.
    fn take() -> Result<Self> {
        Ok(Screen { terminal: ratatui::try_init().map_err(failed)?, signals: Signals::listen(), stopping: false })
    }

    fn draw(&mut self, state: &State) -> Result<()> {
        self.terminal.draw(|frame| draw::draw(frame, state)).map(|_| ()).map_err(failed)
    }

    /// Does what the keys say that have been pressed, and waits for the first of them this long.
    fn keys(&mut self, wait: Duration, state: &mut State, control: &mut Control) -> Result<()> {
        if let Some(signal) = self.signals.as_ref().and_then(Signals::come) {
            self.leave();
            // What is there after it, if anything is, would have no terminal to draw on.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            std::process::exit(128 + signal);
        }
        let mut wait = wait;
        while event::poll(wait).map_err(failed)? {
            wait = LOOK;
            let event::Event::Key(key) = event::read().map_err(failed)? else { continue };
            if key.kind == KeyEventKind::Release {
                continue;
            }
            let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
            match key.code {
                _ if interrupt && self.stopping => {
                    self.leave();
                    std::process::exit(130);
                }
                _ if interrupt => {
                    control.interrupt = true;
                    self.stop(state, control);
                }
                KeyCode::Char('q') | KeyCode::Esc => self.stop(state, control),
                KeyCode::Char('p' | ' ') => state.pause(),
                KeyCode::Char('s') => {
                    (control.save, state.asked) = (true, true);
                    state.message = "a checkpoint is asked for".into();
                }
                KeyCode::Tab => state.page += 1,
                _ => {}
            }
        }
        Ok(())
    }

    /// Switches back to the screen that was there before. Ours is cleared first: where a terminal has grown meanwhile, tmux puts lines of
    /// it onto the other one.
    fn leave(&mut self) {
        let _ = self.terminal.clear();
        ratatui::restore();
    }

    fn stop(&mut self, state: &mut State, control: &mut Control) {
        control.stop = true;
        self.stopping = true;
        state.doing = "stopping";
    }
}

/// Puts the terminal back.
impl Drop for Screen {
    fn drop(&mut self) {
        // A panic has put it back before it said what it is: that must stay on the screen.
        if !std::thread::panicking() {
            self.leave();
        }
    }
}

fn failed(source: io::Error) -> Error {
    Error::File { path: "the terminal".into(), source }
}
