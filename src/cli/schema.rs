//! The JSON Schema of graphs, made from the kinds' declarations, for editors that complete and check YAML.

use serde_json::{Map, Value, json};

use crate::node::{InputSpec, NODE_KEYS, Registry, Spec};

/// The schema of a graph whose nodes are of `registry`'s kinds or presets.
#[must_use]
pub fn graph(registry: &Registry) -> Value {
    let names: Vec<_> = registry.names().collect();
    let rules: Vec<Value> = registry.iter().map(|kind| rule(kind.spec())).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Frameloom graph",
        "type": "object",
        "required": ["frameloom", "nodes"],
        "additionalProperties": false,
        "properties": {
            "frameloom": { "const": 1, "description": "The version of the graph language." },
            "about": { "type": "string", "description": "What one will see." },
            "params": { "type": "object", "description": "What a user may set from outside: --set name=value.", "additionalProperties": { "type": "object" } },
            "timeline": timeline(),
            "engine": { "type": "object", "description": "What never changes pixels." },
            "tests": { "description": "Checks of this graph." },
            "nodes": { "type": "object", "description": "The nodes by name.", "additionalProperties": { "$ref": "#/$defs/node" } }
        },
        "$defs": {
            "link": {
                "description": "NODE, NODE.PORT, NODE@-1 for the frame before, or { from: NODE@-1, initial: NODE } with what it begins with (`none`: nothing).",
                "anyOf": [
                    { "type": "string" },
                    { "type": "object", "required": ["from"], "additionalProperties": false, "properties": { "from": { "type": "string" }, "initial": { "type": "string" } } }
                ]
            },
            "node": {
                "type": "object",
                "required": ["kind"],
                "properties": {
                    "kind": { "anyOf": [{ "enum": names }, { "type": "string", "description": "A preset." }] },
                    "about": { "type": "string" },
                    "every": { "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": ["string", "object"] }] },
                    "when": { "type": ["array", "number", "string", "object"] }
                },
                "allOf": rules
            }
        }
    })
}

fn timeline() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "size": { "type": "array", "items": { "type": "integer", "minimum": 1 }, "minItems": 2, "maxItems": 2, "description": "Width and height; the first source's when left out." },
            "fps": { "type": ["number", "string"], "description": "Frames per second; the first source's when left out." },
            "length": { "type": ["integer", "string"], "description": "Frames, or seconds as 5s; as long as the shortest source when left out." },
            "seed": { "type": "integer", "description": "`s` in expressions." },
            "bpm": { "type": "number", "description": "Beats per minute." }
        }
    })
}

fn rule(spec: &Spec) -> Value {
    json!({
        "if": { "properties": { "kind": { "const": spec.name } }, "required": ["kind"] },
        "then": kind(spec)
    })
}

/// The schema of a node of one kind.
#[must_use]
pub fn kind(spec: &Spec) -> Value {
    let mut properties = Map::new();
    for (key, about) in NODE_KEYS {
        properties.insert(key.into(), json!({ "description": about }));
    }
    for input in &spec.inputs {
        properties.insert(input.name.into(), port(input));
    }
    for param in &spec.params {
        let mut shape = param.shape.schema();
        if let Value::Object(shape) = &mut shape {
            shape.insert("description".into(), json!(param.about));
        }
        properties
            .insert(param.name.into(), json!({ "anyOf": [shape, { "type": "string", "pattern": "^\\$" }], "description": param.about }));
    }
    let required: Vec<_> = spec.inputs.iter().filter(|input| !input.shape.optional).map(|input| input.name).collect();
    json!({ "description": spec.about, "properties": properties, "additionalProperties": false, "required": required })
}

fn port(input: &InputSpec) -> Value {
    let link = json!({ "$ref": "#/$defs/link" });
    let about = format!("{} ({})", input.about, input.shape.ty);
    if input.shape.many {
        json!({ "description": about, "anyOf": [link, { "type": "array", "items": link }] })
    } else {
        json!({ "description": about, "anyOf": [link] })
    }
}
