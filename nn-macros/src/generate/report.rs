//! The report: the loss, and a field for each metric.

use nn_kernels::network::MetricValue;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::api::Api;

/// A field of the report.
pub(super) struct MetricField {
    pub(super) name: Ident,
    pub(super) value: MetricValue,
}

impl MetricField {
    /// The field's type, and the method of `Fields` that reads it.
    fn kind(&self, nn: &TokenStream) -> (TokenStream, TokenStream) {
        match self.value {
            MetricValue::Number => (quote!(f64), quote!(number)),
            MetricValue::PerClass => (quote!(::std::vec::Vec<f64>), quote!(per_class)),
            MetricValue::ConfusionMatrix => (quote!(#nn::ConfusionMatrix), quote!(confusion_matrix)),
            MetricValue::RocCurve => (quote!(#nn::RocCurve), quote!(roc_curve)),
            MetricValue::RocCurves => (quote!(::std::vec::Vec<#nn::RocCurve>), quote!(roc_curves)),
            MetricValue::PrCurve => (quote!(#nn::PrCurve), quote!(pr_curve)),
            MetricValue::PrCurves => (quote!(::std::vec::Vec<#nn::PrCurve>), quote!(pr_curves)),
        }
    }

    fn doc(&self) -> String {
        let name = &self.name;
        match self.value {
            MetricValue::PerClass => format!("The metric `{name}` of each class, over all samples."),
            MetricValue::RocCurves | MetricValue::PrCurves => {
                format!("The metric `{name}` of each class against all others, over all samples.")
            }
            _ => format!("The metric `{name}`, over all samples."),
        }
    }
}

impl Api<'_> {
    /// `DigitsReport`.
    pub(super) fn report_type(&self) -> TokenStream {
        if !self.loss {
            return TokenStream::new();
        }
        let (report, visibility, nn) = (self.report_name(), &self.header.visibility, self.private());
        let doc = format!("How well [`{}`] does: the loss, and every metric.", self.header.name);
        let fields = self.metrics.iter().map(|metric| {
            let (name, doc, (ty, _)) = (&metric.name, metric.doc(), metric.kind(&nn));
            quote! {
                #[doc = #doc]
                pub #name: #ty
            }
        });
        let numbers_only = self.metrics.iter().all(|metric| metric.value == MetricValue::Number);
        let copy = numbers_only.then(|| quote!(::core::marker::Copy,));
        quote! {
            #[doc = #doc]
            #[derive(::core::fmt::Debug, ::core::clone::Clone, #copy ::core::cmp::PartialEq)]
            #visibility struct #report {
                /// The mean loss over all samples.
                pub loss: f64,
                #(#fields,)*
            }
        }
    }

    pub(super) fn report_impl(&self) -> TokenStream {
        if !self.loss {
            return TokenStream::new();
        }
        let (report, nn) = (self.report_name(), self.private());
        let reads = self.metrics.iter().map(|metric| {
            let (name, (_, read)) = (&metric.name, metric.kind(&nn));
            quote!(#name: fields.#read())
        });
        let numbers: Vec<TokenStream> = (self.metrics.iter())
            .filter(|metric| metric.value == MetricValue::Number)
            .map(|metric| {
                let name = &metric.name;
                let text = name.to_string().trim_start_matches("r#").to_owned();
                quote!((#text, self.#name))
            })
            .collect();
        let weighted = self.weighted.then(|| quote!(impl #nn::WeightedReport for #report {}));
        quote! {
            #weighted

            impl #nn::Report for #report {
                fn from_measured(measured: &#nn::Measured) -> Self {
                    let mut fields = measured.fields();
                    Self { loss: fields.number(), #(#reads,)* }
                }

                fn scalars(&self) -> ::std::vec::Vec<(&'static str, f64)> {
                    ::std::vec![("loss", self.loss), #(#numbers),*]
                }
            }

            /// The loss and every metric that is one number.
            impl ::core::fmt::Display for #report {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    #nn::display(f, &[("loss", self.loss), #(#numbers),*])
                }
            }
        }
    }
}
