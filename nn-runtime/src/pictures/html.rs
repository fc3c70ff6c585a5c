//! One page about a run, with everything in it.

use std::fmt::{Display, Write};
use std::path::Path;

use super::axes::short;
use super::svg::escaped;
use super::{Picture, graph, history, memory, write};
use crate::error::Result;
use crate::fit::Report;
use crate::history::{History, Stopped};
use crate::plan::Plan;

const STYLE: &str = include_str!("html.css");

/// One HTML page about a run: pictures, tables, the plan and whatever else is given, in the order in which it is given. The file
/// holds everything that it shows: it opens without a server and without the network, and runs no script. All text is escaped.
///
/// ```
/// # fn main() -> nn_runtime::Result<()> {
/// use nn_runtime::{HtmlReport, pictures};
///
/// let page = HtmlReport::new("Digits")
///     .parameters([("batch size", "64"), ("optimizer", "Adam, learning rate 1e-3")])
///     .picture(pictures::histogram("weights", &[0.1, 0.2]))
///     .text("Remarks", "Trained on the whole set.");
/// assert!(page.to_html().contains("<h1>Digits</h1>"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct HtmlReport {
    title: String,
    /// Headings, and what stands under them.
    sections: Vec<(String, String)>,
}

impl HtmlReport {
    /// An empty page with a title.
    pub fn new(title: impl Into<String>) -> Self {
        HtmlReport { title: title.into(), sections: vec![] }
    }

    /// Adds to the section of this heading, which is new unless it is the last one.
    fn add(mut self, heading: &str, html: &str) -> Self {
        match self.sections.last_mut().filter(|(last, _)| last == heading) {
            Some((_, body)) => body.push_str(html),
            None => self.sections.push((heading.to_owned(), html.to_owned())),
        }
        self
    }

    /// A run: the last epoch's numbers, its curves, and a table of all epochs.
    #[must_use]
    pub fn history<R: Report>(self, run: &History<R>) -> Self {
        let mut numbers = vec![];
        if let Some(epoch) = run.last() {
            numbers.extend(epoch.train.scalars().into_iter().map(|(name, value)| (format!("training {name}"), value)));
            let validation = epoch.validation.iter().flat_map(Report::scalars);
            numbers.extend(validation.map(|(name, value)| (format!("validation {name}"), value)));
        }
        let mut html = boxes(&numbers);
        if let Some(stopped) = &run.stopped {
            let why = match stopped {
                Stopped::Callback(name) => format!("Ended before its last epoch: {name} asked for it."),
                Stopped::Interrupted => "Ended before its last epoch, by Ctrl-C.".to_owned(),
                Stopped::NonFinite(what) => format!("Ended before its last epoch: {what}"),
            };
            let _ = write!(html, "<p>{}</p>", escaped(&why));
        }
        html.push_str(&figure(&history(run).title("")));
        html.push_str(&epochs(run));
        self.add("History", &html)
    }

    /// Final numbers, from `evaluate`: `report.metrics("test", &net.evaluate(&test)?)`.
    #[must_use]
    pub fn metrics<R: Report>(self, of: &str, report: &R) -> Self {
        let numbers: Vec<(String, f64)> =
            report.scalars().into_iter().map(|(name, value)| (format!("{of} {name}"), value)).collect();
        self.add("Metrics", &boxes(&numbers))
    }

    /// What was chosen for the run: names and values.
    #[must_use]
    pub fn parameters<N: Display, V: Display>(self, parameters: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut html = "<div class=\"scroll\"><table class=\"named\">".to_owned();
        for (name, value) in parameters {
            let (name, value) = (escaped(&name.to_string()), escaped(&value.to_string()));
            let _ = write!(html, "<tr><th>{name}</th><td>{value}</td></tr>");
        }
        self.add("Hyperparameters", &(html + "</table></div>"))
    }

    /// A picture. Those that follow each other stand in one section.
    #[must_use]
    pub fn picture(self, picture: Picture) -> Self {
        self.add("Pictures", &figure(&picture))
    }

    /// The table of layers: what the network's `summary()` gives.
    #[must_use]
    pub fn summary(self, summary: &str) -> Self {
        self.add("Layers", &format!("<pre>{}</pre>", escaped(summary)))
    }

    /// The plan, as the network's `plan()` gives it: the network as a graph, the memory of training (or else of prediction) over time for
    /// batches of this size, and the text.
    ///
    /// # Errors
    /// If the text is no plan.
    pub fn plan(self, plan: &str, batch: usize) -> Result<Self> {
        let program = if Plan::read(plan)?.program("train").is_ok() { "train" } else { "predict" };
        let html = format!(
            "{}{}<details><summary>The plan: kernels in order, and where each tensor lies</summary><pre>{}</pre></details>",
            figure(&graph(plan, "predict")?),
            figure(&memory(plan, program, batch)?),
            escaped(plan)
        );
        Ok(self.add("Plan", &html))
    }

    /// Text as it stands, under a heading: remarks, a profile's table.
    #[must_use]
    pub fn text(self, heading: &str, text: impl Display) -> Self {
        self.add(heading, &format!("<pre>{}</pre>", escaped(&text.to_string())))
    }

    /// The page.
    #[must_use]
    pub fn to_html(&self) -> String {
        let title = escaped(&self.title);
        let (mut links, mut body) = (String::new(), String::new());
        for (number, (heading, html)) in self.sections.iter().enumerate() {
            let heading = escaped(heading);
            let _ = write!(links, "<a href=\"#s{number}\">{heading}</a>");
            let _ = write!(body, "<section id=\"s{number}\"><h2>{heading}</h2>\n{html}</section>\n");
        }
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\n\
             <style>\n{STYLE}</style></head>\n<body><header><h1>{title}</h1><nav>{links}</nav></header>\n{body}\
             <footer>Written by nn {}.</footer></body></html>\n",
            env!("CARGO_PKG_VERSION")
        )
    }

    /// Writes the page to a file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write(path.as_ref(), self.to_html().as_bytes())
    }
}

fn figure(picture: &Picture) -> String {
    // What is large scrolls instead of shrinking until it cannot be read.
    let class = if picture.width > 1200 { " class=\"tall\"" } else { "" };
    format!("<figure{class}>{}</figure>\n", picture.to_svg())
}

/// Numbers in boxes.
fn boxes(numbers: &[(String, f64)]) -> String {
    let mut html = "<div class=\"numbers\">".to_owned();
    for (name, value) in numbers {
        let _ = write!(html, "<div class=\"number\"><b>{}</b><span>{}</span></div>", digits(*value), escaped(name));
    }
    html + "</div>\n"
}

fn digits(value: f64) -> String {
    if (0.001..1000.0).contains(&value.abs()) { format!("{value:.4}") } else { short(value) }
}

/// The table of epochs.
fn epochs<R: Report>(run: &History<R>) -> String {
    let Some(first) = run.epochs.first() else { return "<p>No epoch has ended.</p>".to_owned() };
    let names: Vec<&str> = first.train.scalars().into_iter().map(|(name, _)| name).collect();
    let validated = run.epochs.iter().any(|epoch| epoch.validation.is_some());
    let mut html = "<div class=\"scroll\"><table><tr><th>epoch</th>".to_owned();
    for kind in if validated { &["training", "validation"][..] } else { &["training"] } {
        names.iter().for_each(|name| html.push_str(&format!("<th>{kind} {}</th>", escaped(name))));
    }
    html.push_str("<th>learning rate</th><th>seconds</th></tr>\n");
    for epoch in &run.epochs {
        let _ = write!(html, "<tr><td>{}</td>", epoch.number);
        let mut cells = |report: Option<&R>| {
            let values = report.map(Report::scalars);
            for i in 0..names.len() {
                let value = values.as_ref().and_then(|values| values.get(i)).map_or(String::new(), |v| digits(v.1));
                let _ = write!(html, "<td>{value}</td>");
            }
        };
        cells(Some(&epoch.train));
        if validated {
            cells(epoch.validation.as_ref());
        }
        let _ = writeln!(html, "<td>{}</td><td>{:.2}</td></tr>", short(f64::from(epoch.learning_rate)), epoch.seconds);
    }
    html + "</table></div>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_all_and_refers_to_nothing() {
        let plan = "Net\n\npredict: 0 kernels in 0 dispatches, arena of 0 floats and 4 for each sample\n";
        let page = HtmlReport::new("<Digits> & more")
            .parameters([("rate", 0.1)])
            .parameters([("\"seed\"", 7)])
            .picture(super::super::histogram("a", &[1.0]))
            .picture(super::super::histogram("b", &[1.0]))
            .summary("layer <a>")
            .text("Remarks", "1 < 2")
            .plan(plan, 8)
            .unwrap()
            .to_html();
        assert!(page.contains("<h1>&lt;Digits&gt; &amp; more</h1>") && page.contains("1 &lt; 2"));
        assert!(page.contains("&quot;seed&quot;") && page.contains("layer &lt;a&gt;"));
        assert_eq!((page.matches("<h2>").count(), page.matches("<svg").count()), (5, 4));
        // The name of SVG's namespace is the only address.
        assert_eq!(page.matches("http").count(), page.matches("http://www.w3.org/2000/svg").count());
        for forbidden in ["<script", " src=", "@import", "url("] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }
}
