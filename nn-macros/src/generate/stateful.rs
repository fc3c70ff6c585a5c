//! What networks with stateful layers can do beside.

use proc_macro2::TokenStream;
use quote::quote;

use super::api::Api;

impl Api<'_> {
    /// What networks whose batches go on where those before have ended can do beside.
    pub(super) fn stateful(&self) -> TokenStream {
        if !self.stateful {
            return TokenStream::new();
        }
        let (name, nn, data) = (&self.header.name, self.private(), self.data_name());
        let streams = self.loss.then(|| {
            quote! {
                impl #data {
                    /// A sequence of samples in the order in which the network takes them: cut into `count` streams of equal length, of
                    /// which each batch of `count` samples has the next one of each. What is left over at the end is left out.
                    ///
                    /// # Errors
                    /// If there are no streams, or fewer samples than streams.
                    #[doc(alias = "batchify")]
                    pub fn in_streams(&self, count: usize) -> #nn::Result<Self> {
                        ::core::result::Result::Ok(Self { set: self.set.in_streams(count)? })
                    }
                }
            }
        });
        quote! {
            impl #name {
                /// Brings the states of all stateful layers back to zeros: the next batch is the first one of new sequences, and may
                /// have another size. Without it, sample `i` of a batch goes on where sample `i` of the batch before has ended, whichever
                /// of `train_batch`, `evaluate_batch`, `forward` and `predict` took it. `fit` does so at the beginning of each epoch, and
                /// `evaluate` (also within `fit`) has states of its own.
                pub fn reset_states(&mut self) {
                    self.net.reset_states();
                }

                /// Names and shapes of the states of stateful layers, in order of declaration.
                pub fn kept_states(
                    &self,
                ) -> impl ::core::iter::ExactSizeIterator<Item = (&'static str, &'static [usize])> + use<> {
                    self.net.kept_states()
                }

                /// Such a state as the last batch has left it, a row for each of its samples; empty behind a reset.
                ///
                /// # Errors
                /// If there is no such state.
                pub fn kept_state(&self, name: &str) -> #nn::Result<::std::vec::Vec<f32>> {
                    self.net.kept_state(name)
                }
            }
            #streams
        }
    }
}
