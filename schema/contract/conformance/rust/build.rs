//! Generates Rust types from the strict schema and from the one for generators.

use std::{env, fs, path::Path};

fn main() {
    let contract = Path::new(&env::var("CONTRACT").expect("CONTRACT names the directory of the contract")).to_owned();
    println!("cargo::rerun-if-env-changed=CONTRACT");
    for (name, file) in [("before", "telemetry.schema.json"), ("after", "codegen/telemetry-tagged.schema.json")] {
        let path = contract.join(file);
        println!("cargo::rerun-if-changed={}", path.display());
        let schema = serde_json::from_str(&fs::read_to_string(path).expect("a schema")).expect("a schema");
        let mut space = typify_impl::TypeSpace::default();
        space.add_root_schema(schema).expect("types");
        let tokens = syn::parse2(space.to_stream()).expect("Rust");
        let source = prettyplease::unparse(&tokens);
        fs::write(Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join(format!("{name}.rs")), source)
            .expect("written");
    }
}
