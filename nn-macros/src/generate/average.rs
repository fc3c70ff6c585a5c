//! What networks have whose optimizer keeps a running average of the parameters.

use proc_macro2::TokenStream;
use quote::quote;

use crate::checked::Header;

/// Adds the method that looks at the averaged parameters.
pub(super) fn with_average(mut tokens: TokenStream, header: &Header) -> TokenStream {
    let Header { name, path, .. } = header;
    tokens.extend(quote! {
        impl #name {
            /// Looks at the network with its averaged parameters in the place of the current ones, to evaluate, predict or save it:
            /// `net.with_ema(|net| net.evaluate(&test))?`. Running statistics are the current ones. Then training goes on as if nothing
            /// had been.
            ///
            /// # Errors
            /// What the closure gives; and if the device fails.
            pub fn with_ema<T>(
                &mut self,
                look: impl ::core::ops::FnOnce(&Self) -> #path::__private::Result<T>,
            ) -> #path::__private::Result<T> {
                let current = self.net.begin_ema()?;
                let seen = look(self);
                self.net.end_ema(&current)?;
                seen
            }
        }
    });
    tokens
}
