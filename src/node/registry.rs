use std::sync::Arc;

use super::erased::{Kind, KindOf};
use super::spec::NODE_KEYS;
use super::{Node, Spec};

/// The kinds that graphs may use.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: Vec<Arc<dyn Kind>>,
}

/// A kind that cannot be registered.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Another kind has that name.
    #[error("there is already a kind named `{0}`")]
    Taken(&'static str),
    /// Inputs and parameters share one namespace.
    #[error("kind `{kind}` declares `{key}` twice: inputs, parameters and the keys of every node share one namespace")]
    Twice {
        /// The kind.
        kind: &'static str,
        /// The key.
        key: &'static str,
    },
}

impl Registry {
    /// Adds the kind `N`.
    ///
    /// # Errors
    /// When its name is taken, or two of its keys are the same.
    pub fn add<N: Node>(&mut self) -> Result<&mut Self, RegistryError> {
        let kind = KindOf::<N>::new();
        check(self, kind.spec())?;
        self.kinds.push(Arc::new(kind));
        Ok(self)
    }

    /// Puts the kind `N` in the place of the kind of its name, or adds it: a mocked model for a test.
    ///
    /// # Errors
    /// When two of its keys are the same.
    pub fn replace<N: Node>(&mut self) -> Result<&mut Self, RegistryError> {
        let name = KindOf::<N>::new().spec().name;
        self.kinds.retain(|kind| kind.spec().name != name);
        self.add::<N>()
    }

    /// The kind `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Kind>> {
        self.kinds.iter().find(|kind| kind.spec().name == name)
    }

    /// All kinds, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Kind>> {
        self.kinds.iter()
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.kinds.iter().map(|kind| kind.spec().name)
    }
}

fn check(registry: &Registry, spec: &Spec) -> Result<(), RegistryError> {
    if registry.get(spec.name).is_some() {
        return Err(RegistryError::Taken(spec.name));
    }
    let mut seen: Vec<&str> = NODE_KEYS.iter().map(|(key, _)| *key).collect();
    for key in spec.inputs.iter().map(|input| input.name).chain(spec.params.iter().map(|param| param.name)) {
        if seen.contains(&key) {
            return Err(RegistryError::Twice { kind: spec.name, key });
        }
        seen.push(key);
    }
    Ok(())
}
