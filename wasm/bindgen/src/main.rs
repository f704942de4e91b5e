//! `bindgen MODULE DIRECTORY`: writes the module and the JavaScript that calls it.

use std::env;

use anyhow::bail;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [module, directory] = arguments.as_slice() else { bail!("usage: bindgen MODULE DIRECTORY") };
    let mut bindgen = Bindgen::new();
    // Its types are of the module; those of the package are written by hand.
    bindgen.input_path(module).out_name("gate").web(true)?.typescript(false);
    // After a fault of the gate, its instance must not be used again.
    bindgen.reset_state_function(true);
    bindgen.remove_name_section(true).remove_producers_section(true).generate(directory)
}
