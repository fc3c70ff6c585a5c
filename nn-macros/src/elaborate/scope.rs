//! The names that statements declare.

use std::collections::BTreeMap;

use proc_macro2::Ident;

use super::value::Value;
use crate::ast::{Block, Names, Statement};

/// The names of a network, or of one use of a block.
pub struct Scope<'a> {
    names: BTreeMap<String, Name>,
    /// All statements, also those to come: to explain a name that is used too early.
    statements: &'a [Statement],
    /// The block whose body this is.
    pub block: Option<&'a Block>,
    /// How many of the blocks can be seen from here.
    pub blocks: usize,
    /// Where parameters get their names: statement, then bindings inside of blocks.
    pub path: String,
}

/// A declared name.
pub struct Name {
    /// Where it is declared.
    pub ident: Ident,
    /// Its value.
    pub value: Value,
    /// Whether an expression has mentioned it.
    pub used: bool,
}

impl<'a> Scope<'a> {
    /// Without names yet.
    pub fn new(statements: &'a [Statement], block: Option<&'a Block>, blocks: usize, path: String) -> Self {
        Scope { names: BTreeMap::new(), statements, block, blocks, path }
    }

    /// Declares a name. If there is one already, returns it and keeps it.
    pub fn declare(&mut self, ident: &Ident, value: Value) -> Result<(), Ident> {
        match self.names.entry(ident.to_string()) {
            std::collections::btree_map::Entry::Occupied(entry) => Err(entry.get().ident.clone()),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Name { ident: ident.clone(), value, used: false });
                Ok(())
            }
        }
    }

    /// The value of a name, which is used now.
    pub fn mention(&mut self, name: &str) -> Option<Value> {
        let name = self.names.get_mut(name)?;
        name.used = true;
        Some(name.value.clone())
    }

    /// All statements, also those to come.
    pub fn statements(&self) -> &'a [Statement] {
        self.statements
    }

    /// A name, without using it.
    pub fn get(&self, name: &str) -> Option<&Name> {
        self.names.get(name)
    }

    /// All names so far.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// Names that nothing has mentioned.
    pub fn unused(&self) -> impl Iterator<Item = &Ident> {
        self.names.values().filter(|name| !name.used).map(|name| &name.ident)
    }

    /// A declaration of this name anywhere, also further down.
    pub fn declared_anywhere(&self, name: &str) -> Option<&'a Ident> {
        let found = |ident: &'a Ident| (ident == name).then_some(ident);
        self.statements.iter().find_map(|statement| match statement {
            Statement::Const { name, .. } | Statement::Field { name, .. } | Statement::Output { name, .. } => {
                found(name)
            }
            Statement::Let { names: Names::One(name), .. } => found(name),
            Statement::Let { names: Names::Several { names, .. }, .. } => names.iter().flatten().find_map(found),
            Statement::Block(_) | Statement::Loss { .. } | Statement::Metric { .. } | Statement::Optimizer { .. } => {
                None
            }
        })
    }

    /// A block of this name that is declared in these statements, also further down.
    pub fn block_anywhere(&self, name: &str) -> Option<&'a Ident> {
        self.statements.iter().find_map(|statement| match statement {
            Statement::Block(block) if block.name == name => Some(&block.name),
            _ => None,
        })
    }
}
