//! The names that statements declare.

use std::collections::BTreeMap;

use proc_macro2::Ident;

use super::Elaborator;
use super::scan::ScanScope;
use super::value::Value;
use crate::ast::{Block, Names, Statement};

/// The names of a network, of one use of a block, or of braces in an expression.
pub struct Scope<'a> {
    names: BTreeMap<String, Name>,
    /// All statements, also those to come: to explain a name that is used too early.
    statements: &'a [Statement],
    /// The block whose body this is (part of).
    pub block: Option<&'a Block>,
    /// How many of the blocks can be seen from here.
    pub blocks: usize,
    /// The scope around it in the source, whose names can be seen too. Networks and blocks see nothing around them.
    pub around: Option<usize>,
    /// The scan whose body this is. It sees no tensors around it.
    pub scan: Option<ScanScope<'a>>,
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
    /// Of a network or a block, without names yet.
    pub fn new(statements: &'a [Statement], block: Option<&'a Block>, blocks: usize) -> Self {
        Scope { names: BTreeMap::new(), statements, block, blocks, around: None, scan: None }
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

    /// Gives a name another value, and counts as a use of it.
    pub fn reassign(&mut self, name: &str, value: Value) {
        if let Some(name) = self.names.get_mut(name) {
            (name.value, name.used) = (value, true);
        }
    }

    /// A name of this scope.
    pub fn get(&self, name: &str) -> Option<&Name> {
        self.names.get(name)
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
            Statement::Scan(scan) => found(&scan.name),
            Statement::Block(_)
            | Statement::Loss { .. }
            | Statement::Metric { .. }
            | Statement::Optimizer { .. }
            | Statement::Precision { .. }
            | Statement::Stepwise { .. } => None,
        })
    }

    /// Whether these statements declare a constant of this name.
    pub fn declares_constant(&self, wanted: &str) -> bool {
        self.statements.iter().any(|s| matches!(s, Statement::Const { name, .. } if name == wanted))
    }

    /// A block of this name that is declared in these statements, also further down.
    pub fn block_anywhere(&self, name: &str) -> Option<&'a Ident> {
        self.statements.iter().find_map(|statement| match statement {
            Statement::Block(block) if block.name == name => Some(&block.name),
            _ => None,
        })
    }
}

impl<'a> Elaborator<'a, '_> {
    /// The innermost names.
    pub fn scope(&self) -> &Scope<'a> {
        self.scopes.last().expect("there is always a scope")
    }

    /// The scopes that can be seen, from the innermost outwards.
    pub fn visible_scopes(&self) -> impl Iterator<Item = &Scope<'a>> {
        let around = |scope: &&Scope<'a>| scope.around.map(|index| &self.scopes[index]);
        std::iter::successors(self.scopes.last(), around)
    }

    /// Evaluates where further names can be declared, which are gone afterwards. `around` is the scope around it in the
    /// source.
    pub fn in_scope<T>(
        &mut self,
        around: usize,
        statements: &'a [Statement],
        evaluate: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let Scope { block, blocks, .. } = self.scopes[around];
        let names = BTreeMap::new();
        self.scopes.push(Scope { names, statements, block, blocks, around: Some(around), scan: None });
        let result = evaluate(self);
        let scope = self.scopes.pop();
        // A block's names are known since it has been looked at on its own.
        if block.is_none() || self.declaring {
            self.unused.extend(scope.iter().flat_map(Scope::unused).cloned());
        }
        result
    }

    /// The scopes that can be seen, from the innermost outwards, and whether a scan lies between: then only constants of
    /// theirs can be seen.
    fn scopes_and_scans(&self) -> impl Iterator<Item = (&Scope<'a>, bool)> {
        self.visible_scopes().scan(false, |within, scope| {
            let outer = *within;
            *within |= scope.scan.is_some();
            Some((scope, outer))
        })
    }

    /// A name that can be seen, without using it.
    pub fn lookup(&self, name: &str) -> Option<&Name> {
        let visible = |name: &&Name, within: bool| !within || name.value.is_constant();
        self.scopes_and_scans().find_map(|(scope, within)| scope.get(name).filter(|name| visible(name, within)))
    }

    /// A tensor that the scan here does not see, although it is declared around it.
    pub fn beyond_the_scan(&self, name: &str) -> Option<(&ScanScope<'a>, &Name)> {
        let scan = self.visible_scopes().find_map(|scope| scope.scan.as_ref())?;
        let beyond = self.scopes_and_scans().filter(|(_, within)| *within).find_map(|(scope, _)| scope.get(name))?;
        Some((scan, beyond))
    }

    /// The value of a name, which is used now.
    pub fn mention(&mut self, name: &str) -> Option<Value> {
        let (mut index, mut within) = (self.scopes.len() - 1, false);
        loop {
            let scope = &mut self.scopes[index];
            if let Some(name) = scope.names.get_mut(name).filter(|name| !within || name.value.is_constant()) {
                name.used = true;
                return Some(name.value.clone());
            }
            within |= scope.scan.is_some();
            index = scope.around?;
        }
    }

    /// All names that can be seen.
    pub fn visible_names(&self) -> impl Iterator<Item = &str> {
        let visible = |name: &Name, within: bool| !within || name.value.is_constant();
        self.scopes_and_scans().flat_map(move |(scope, within)| {
            scope.names.iter().filter(move |(_, name)| visible(name, within)).map(|(name, _)| name.as_str())
        })
    }
}
