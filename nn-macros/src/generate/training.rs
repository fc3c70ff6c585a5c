//! What networks with a loss, or with an optimizer, can do.

use proc_macro2::TokenStream;
use quote::quote;

use super::api::Api;

impl Api<'_> {
    /// What networks with a loss, or with an optimizer, can do.
    pub(super) fn training(&self) -> TokenStream {
        if !self.loss {
            return TokenStream::new();
        }
        let (name, nn) = (&self.header.name, self.private());
        let (data, stream, report) = (self.data_name(), self.stream_name(), self.report_name());
        let fit_doc = format!("Trains over epochs, on a [`{data}`] or a [`{stream}`].");
        let evaluate_doc = format!("The loss and every metric over a [`{data}`] or a [`{stream}`].");
        let optimizer = self.optimizer.then(|| {
            quote! {
                #[doc = #fit_doc]
                ///
                /// # Errors
                /// If an option makes no sense, if there are no samples, if one cannot be read, or if the device fails.
                pub fn fit<D: #nn::Dataset<Report = #report>>(
                    &mut self,
                    data: &D,
                    fit: #nn::Fit<'_, #report>,
                ) -> #nn::Result<#nn::History<#report>> {
                    self.net.fit(data, fit)
                }

                /// Trains for so many steps with a learning rate that rises from one end of the range to the other, and puts
                /// everything back as it was: `net.range_test(&data, 1e-6..1.0, 200, nn::Fit::default().batch_size(64))`. Of the
                /// options, those of batches and threads count.
                ///
                /// # Errors
                /// If the range or an option makes no sense, if there are no samples, or if the device fails.
                pub fn range_test<D: #nn::Dataset<Report = #report>>(
                    &mut self,
                    data: &D,
                    rates: ::core::ops::Range<f64>,
                    steps: usize,
                    fit: #nn::Fit<'_, #report>,
                ) -> #nn::Result<#nn::RangeTest> {
                    self.net.range_test(data, rates, steps, fit)
                }

                /// Goes on with a run of [`Self::fit`] from a checkpoint, or from the newest one of a folder, as if the run had
                /// never stopped: with the same bits, in the middle of an epoch too. `fit` is what the run was begun with; its
                /// `epochs` counts those before.
                ///
                /// # Errors
                /// If there is no checkpoint that is whole, or if it is one of another network, other data or other options;
                /// the network is then as it was. Besides, as [`Self::fit`].
                pub fn resume<D: #nn::Dataset<Report = #report>>(
                    &mut self,
                    data: &D,
                    from: impl ::core::convert::AsRef<::std::path::Path>,
                    fit: #nn::Fit<'_, #report>,
                ) -> #nn::Result<#nn::History<#report>> {
                    self.net.resume(data, from.as_ref(), fit)
                }

                /// One training step on all the samples given. Reports the loss and every metric as they were before it.
                ///
                /// # Errors
                /// If there are no samples, or if the device fails.
                #[doc(alias = "train_on_batch")]
                pub fn train_batch(&mut self, data: &#data) -> #nn::Result<#report> {
                    self.net.train_batch(&data.set).map(|measured| #nn::Report::from_measured(&measured))
                }

                /// Plays training steps on all the samples given as one batch, and measures them: time by kernel and by layer,
                /// beside what the device can do at most. The network is afterwards what it was before.
                ///
                /// # Errors
                /// If there are no samples or no steps, if a GPU has no timestamps, or if the device fails.
                pub fn profile(&mut self, data: &#data, steps: usize) -> #nn::Result<#nn::Profile> {
                    self.net.profile(&data.set, steps, Self::plan(), __nn_program::TRAIN)
                }

                /// The learning rate of the next step.
                #[must_use]
                pub fn learning_rate(&self) -> f32 {
                    self.net.learning_rate()
                }

                /// Sets the learning rate of all steps to come; nothing is rebuilt.
                ///
                /// # Errors
                /// If it is negative, infinite or no number.
                pub fn set_learning_rate(&mut self, rate: f32) -> #nn::Result<()> {
                    self.net.set_learning_rate(rate)
                }

                /// Training steps so far.
                #[must_use]
                pub fn steps(&self) -> u64 {
                    self.net.steps()
                }

                /// Saves everything that training has changed as one safetensors file: weights, the optimizer's state, the
                /// seed, and where in its epoch training stands. The file is written whole or not at all.
                ///
                /// # Errors
                /// If the file cannot be written, or if the device fails.
                pub fn save_checkpoint(
                    &self,
                    path: impl ::core::convert::AsRef<::std::path::Path>,
                ) -> #nn::Result<()> {
                    self.net.save_checkpoint(path.as_ref())
                }

                /// Puts the network to where it was when the checkpoint was saved, its seed included.
                ///
                /// # Errors
                /// If the file cannot be read, or if it is no checkpoint of this network; the network is then as it was.
                pub fn load_checkpoint(
                    &mut self,
                    path: impl ::core::convert::AsRef<::std::path::Path>,
                ) -> #nn::Result<()> {
                    self.net.load_checkpoint(path.as_ref())
                }

                /// Updates by the optimizer so far: fewer than steps where the gradients of several batches made one update.
                #[must_use]
                pub fn updates(&self) -> u64 {
                    self.net.updates()
                }

                /// Freezes the parameters whose names match a pattern, in which `*` stands for any characters and `?` for one: training
                /// leaves them as they are, bit for bit, and running statistics whose names match, too. Patterns add up.
                ///
                /// # Errors
                /// If no parameter has such a name, or if the device fails.
                #[doc(alias = "trainable")]
                #[doc(alias = "requires_grad")]
                pub fn freeze(&mut self, pattern: &str) -> #nn::Result<()> {
                    self.net.freeze(pattern)
                }

                /// Lets training change parameters again whose names match a pattern.
                ///
                /// # Errors
                /// If no parameter has such a name, or if the device fails.
                pub fn unfreeze(&mut self, pattern: &str) -> #nn::Result<()> {
                    self.net.unfreeze(pattern)
                }

                /// The names of all frozen parameters, in order of declaration.
                #[must_use]
                pub fn frozen(&self) -> ::std::vec::Vec<&'static str> {
                    self.net.frozen()
                }
            }
        });
        quote! {
            impl #name {
                #[doc = #evaluate_doc]
                ///
                /// # Errors
                /// If there are no samples, if one cannot be read, or if the device fails.
                pub fn evaluate<D: #nn::Dataset<Report = #report>>(&self, data: &D) -> #nn::Result<#report> {
                    self.net.evaluate(data.data()).map(|measured| #nn::Report::from_measured(&measured))
                }

                /// The loss over all samples given as one batch, and every metric, as [`Self::evaluate`] computes them over any number of
                /// samples: nothing is trained.
                ///
                /// # Errors
                /// If there are no samples, or if the device fails.
                #[doc(alias = "test_on_batch")]
                pub fn evaluate_batch(&self, batch: &#data) -> #nn::Result<#report> {
                    self.net.evaluate_batch(&batch.set).map(|measured| #nn::Report::from_measured(&measured))
                }

                /// The loss over the data as one batch, and its gradients with respect to parameters and inputs.
                ///
                /// # Errors
                /// If there are no samples, or if the device fails.
                #[doc(alias = "backward")]
                #[doc(alias = "grad")]
                pub fn gradients(&self, data: &#data) -> #nn::Result<#nn::Gradients> {
                    self.net.gradients(&data.set)
                }

                #optimizer
            }
        }
    }
}
