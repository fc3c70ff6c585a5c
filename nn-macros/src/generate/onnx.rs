//! `export_onnx`, for those who have asked for it by a feature.

use nn_kernels::emit::onnx;
use nn_kernels::network::Network;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::checked::Header;

/// The type with one more method. A network with mistakes has it, too.
pub(super) fn with_export(mut tokens: TokenStream, header: &Header, network: Option<&Network>) -> TokenStream {
    let (name, path) = (&header.name, &header.path);
    let nn = quote!(#path::__private);
    let template = network.map_or_else(|| Err("a mistake".to_owned()), onnx::print);
    let body = match template {
        Ok(onnx::Template { graph, parameters }) => {
            let (graph, opset) = (Literal::byte_string(&graph), onnx::OPSET);
            quote! {
                const ONNX: #nn::Onnx = #nn::Onnx { graph: #graph, opset: #opset, parameters: &[#(#parameters),*] };
                self.net.export_onnx(&ONNX, path.as_ref())
            }
        }
        Err(what) => {
            let message = format!("`{name}` cannot be written as ONNX: it has {what}");
            quote! {
                let _ = path;
                ::core::result::Result::Err(#nn::Error::Option(::std::string::String::from(#message)))
            }
        }
    };
    tokens.extend(quote! {
        impl #name {
            /// Writes what `predict` computes, with the weights as they are, as an ONNX file. Inputs and outputs have the names that
            /// they have here, and the batch in front, whose size is open; class indices are of int64. The file is written whole or
            /// not at all.
            ///
            /// # Errors
            /// If the file cannot be written, if the network has what ONNX has no word for (random numbers), or if the device fails.
            pub fn export_onnx(&self, path: impl ::core::convert::AsRef<::std::path::Path>) -> #nn::Result<()> {
                #body
            }
        }
    });
    tokens
}
