//! From a checked network to the tokens that the user's crate compiles.
//!
//! - [`api`] prints the types and their methods, thin, typed wrappers around `nn_runtime`'s core: [`predict`], [`training`], the
//!   [`data`] types and the [`report`]; [`average`] and [`stateful`] add what not every network has;
//! - [`samples`] is the types that one sample can have;
//! - [`tables`] prints the program: constant tables, the CPU's kernels and the GPU's shaders. They are text, parsed
//!   once: in a macro that runs unoptimised, this is many times faster than building tokens one by one.

mod api;
mod average;
mod data;
#[cfg(feature = "onnx")]
mod onnx;
mod predict;
mod report;
mod samples;
mod stateful;
mod stepwise;
mod tables;
#[cfg(test)]
mod tests;
mod training;

use nn_kernels::emit::text;
use nn_kernels::plan::Plan;
use nn_kernels::{Options, compile};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::checked::{Checked, Partial};
use api::{Api, Field, Numbers, Output};
use report::MetricField;
use samples::Sample;

/// Makes tokens of text, or says what is wrong with it.
pub type Lexer<'a> = &'a dyn Fn(&str) -> Result<TokenStream, String>;

/// The type, its API and its program.
pub fn network(checked: &Checked, lexer: Lexer<'_>) -> TokenStream {
    let plan = compile(&checked.network, &Options::default());
    let tables = match lexer(&tables::program(&plan)) {
        Ok(tokens) => tokens,
        Err(error) => {
            let text =
                format!("`nn` has printed a program that is no Rust: {error}. This is a bug of `nn`; please report it");
            return quote! { ::core::compile_error! { #text } };
        }
    };
    let fields = plan.fields.iter().zip(&checked.fields);
    let outputs = plan.outputs.iter().zip(&checked.outputs);
    let api = Api {
        header: &checked.header,
        fields: fields.map(|(f, name)| Field { name, sample: Some(Sample::new(&f.dims, f.classes)) }).collect(),
        inputs: plan.inputs,
        outputs: outputs.map(|(o, name)| Output { name, sample: Sample::new(&o.dims, None) }).collect(),
        metrics: plan
            .metrics
            .iter()
            .map(|m| MetricField { name: identifier(&m.name), value: m.kind.value() })
            .collect(),
        loss: checked.network.loss.is_some(),
        weighted: plan.sample_weight.is_some(),
        optimizer: plan.train.is_some(),
        stateful: !plan.kept.is_empty(),
        stepwise: plan.stepwise.as_deref().map(stepwise::Stepwise::new),
        numbers: numbers(&plan),
        tables,
        words: &checked.words,
        unused: &checked.unused,
        summary: text::summary(&checked.network, &plan),
        plan: text::plan(&plan),
    };
    let mut tokens = api.tokens();
    if plan.ema.is_some() {
        tokens = average::with_average(tokens, &checked.header);
    }
    #[cfg(feature = "onnx")]
    let tokens = onnx::with_export(tokens, &checked.header, Some(&checked.network));
    tokens
}

/// The type and its API without a program, where the network has mistakes.
pub fn stub(partial: &Partial, lexer: Lexer<'_>) -> TokenStream {
    let sample = |dims: &Option<Vec<usize>>, classes| dims.as_ref().map(|d| Sample::new(d, classes));
    let tables = match lexer(&tables::placeholder(&partial.header.name.to_string())) {
        Ok(tokens) => tokens,
        // The mistakes are reported beside the stub; nothing must be added to them.
        Err(_) => return TokenStream::new(),
    };
    let output =
        |o: &crate::checked::PartialOutput| sample(&o.dims, None).unwrap_or_else(|| Sample::unknown(&partial.error));
    let api = Api {
        header: &partial.header,
        fields: (partial.fields.iter()).map(|f| Field { name: &f.name, sample: sample(&f.dims, f.classes) }).collect(),
        inputs: partial.inputs,
        outputs: partial.outputs.iter().map(|o| Output { name: &o.name, sample: output(o) }).collect(),
        metrics: (partial.metrics.iter())
            .map(|(name, value)| MetricField { name: identifier(name), value: *value })
            .collect(),
        loss: partial.loss,
        weighted: partial.weighted,
        optimizer: partial.optimizer,
        stateful: partial.stateful,
        stepwise: partial.stepwise.clone().map(|inputs| stepwise::Stepwise::unknown(inputs, partial)),
        numbers: Numbers::default(),
        tables,
        words: &[],
        unused: &[],
        summary: String::new(),
        plan: String::new(),
    };
    let mut tokens = api.tokens();
    if partial.optimizer {
        tokens = average::with_average(tokens, &partial.header);
    }
    #[cfg(feature = "onnx")]
    let tokens = onnx::with_export(tokens, &partial.header, None);
    tokens
}

fn numbers(plan: &Plan) -> Numbers {
    let schedule = plan.train.as_ref().or(plan.gradients.as_ref()).unwrap_or(&plan.predict);
    let gradients = usize::from(plan.gradients.is_some());
    let kept = plan.kept.iter().map(|k| k.dims.iter().product::<usize>()).sum::<usize>();
    Numbers {
        parameters: plan.parameters.iter().filter(|p| p.trainable).map(|p| p.dims.iter().product::<usize>()).sum(),
        flops_per_sample: plan.flops_per_sample,
        multiply_adds_per_sample: plan.multiply_adds_per_sample,
        vectors: 1 + gradients + plan.states.len(),
        parameter_floats: plan.parameter_floats,
        // What is stored as f16 takes half of a float.
        fixed_floats: schedule.fixed_floats + schedule.fixed_halves / 2,
        sample_floats: schedule.sample_floats + schedule.sample_halves.div_ceil(2) + kept,
    }
}

/// A name as an identifier, raw where it is a word of Rust's.
fn identifier(name: &str) -> Ident {
    syn::parse_str(name).unwrap_or_else(|_| Ident::new_raw(name, Span::call_site()))
}
