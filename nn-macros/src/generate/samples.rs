//! The types that one sample of a field can have.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// How deep `nn::Row` nests.
const RANK: usize = 6;

/// One sample: how many numbers of which type, and the nested array of them.
pub(super) struct Sample {
    /// `f32` or `u32`.
    pub(super) element: TokenStream,
    /// `784`.
    pub(super) size: TokenStream,
    /// `[[[f32; 28]; 28]; 1]`.
    pub(super) nested: TokenStream,
    /// Whether they are class indices.
    pub(super) classes: bool,
}

impl Sample {
    /// Of these dimensions.
    pub(super) fn new(dims: &[usize], classes: Option<usize>) -> Self {
        let element = if classes.is_some() { quote!(u32) } else { quote!(f32) };
        let size = Literal::usize_unsuffixed(dims.iter().product());
        let nested = if dims.len() > RANK {
            quote!([#element; #size])
        } else {
            dims.iter().rev().fold(element.clone(), |inner, &dim| {
                let dim = Literal::usize_unsuffixed(dim);
                quote!([#inner; #dim])
            })
        };
        Sample { element, size: quote!(#size), nested, classes: classes.is_some() }
    }

    /// Of dimensions that follow from a mistake: an array whose length is that mistake, so that nothing is said about it.
    pub(super) fn unknown(error: &TokenStream) -> Self {
        Sample { element: quote!(f32), size: quote!({ #error }), nested: quote!([f32; #error]), classes: false }
    }

    /// `f32, 784, [[[f32; 28]; 28]; 1]`: the arguments of `nn::Row` and `nn::Column`.
    pub(super) fn arguments(&self) -> TokenStream {
        let Sample { element, size, nested, .. } = self;
        quote!(#element, #size, #nested)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(dims: &[usize], classes: Option<usize>) -> String {
        Sample::new(dims, classes).arguments().to_string()
    }

    #[test]
    fn samples_nest_from_the_outermost_dimension() {
        assert_eq!(nested(&[1, 28, 27], None), "f32 , 756 , [[[f32 ; 27] ; 28] ; 1]");
        assert_eq!(nested(&[], None), "f32 , 1 , f32");
        assert_eq!(nested(&[], Some(10)), "u32 , 1 , u32");
        assert_eq!(nested(&[5], Some(10)), "u32 , 5 , [u32 ; 5]");
        assert_eq!(nested(&[2; 7], None), "f32 , 128 , [f32 ; 128]");
    }
}
