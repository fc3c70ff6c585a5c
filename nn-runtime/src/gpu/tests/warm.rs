//! Kernels that are compiled before they run, on llvmpipe.

use std::collections::BTreeSet;
use std::process::Command;
use std::{env, fs, process};

use super::line::{LINE, Points, SHADERS, Twin};
use super::runs::{START, train_and_compare};
use super::{backend, gpu, users};
use crate::gpu::context::Gpu;
use crate::gpu::pipelines;
use crate::gpu::warm::{Warmer, compiles_late};

/// Tells a process what to compile.
const ROLE: &str = "NN_TEST_COMPILE";

/// What Mesa keeps of a process in such a role, which is an exact run of a test. Mesa reads its environment once in a process.
fn kept(test: &str, role: &str) -> BTreeSet<String> {
    let folder = env::temp_dir().join(format!("nn-compiled-{}-{role}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", test])
        .env(ROLE, role)
        .env("MESA_SHADER_CACHE_DIR", &folder)
        .env("MESA_SHADER_CACHE_DISABLE", "false")
        // Newer versions of Mesa keep all in one file otherwise.
        .env("MESA_DISK_CACHE_MULTI_FILE", "true")
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    let mut kept = BTreeSet::new();
    let mut folders = vec![folder.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                // The others are called after hashes.
                false if name == "index" || name == "marker" => (),
                false => drop(kept.insert(name)),
            }
        }
    }
    fs::remove_dir_all(folder).unwrap();
    kept
}

#[test]
fn what_another_device_has_compiled_is_there_when_a_kernel_first_runs() {
    match env::var(ROLE).as_deref() {
        Ok("ahead") => return pollster::block_on(ahead()),
        Ok("steps") => {
            // No device but this one compiles for a user's.
            let (device, queue) = users(|_| ()).unwrap();
            let gpu = Gpu::from_wgpu(device, queue).unwrap();
            return train_and_compare(&mut backend(&gpu, &LINE), &mut Twin::new(START), &Points::new(16), &[8, 8]);
        }
        _ => (),
    }
    let Some(gpu) = gpu() else { return };
    if !compiles_late(&gpu) {
        return;
    }
    let test = "gpu::tests::warm::what_another_device_has_compiled_is_there_when_a_kernel_first_runs";
    let (ahead, steps) = (kept(test, "ahead"), kept(test, "steps"));
    assert_eq!(ahead.len(), SHADERS.len(), "{ahead:?}");
    assert!(ahead.is_subset(&steps), "{ahead:?}\n{steps:?}");
}

/// Compiles the kernels of training on another device than the one that they are for.
async fn ahead() {
    let gpu = Gpu::request().await.unwrap();
    let warmer = Warmer::of_thread(&gpu, 1, 8).await.unwrap();
    for shader in &SHADERS {
        let pipeline = pipelines::pipeline(&gpu, shader, &gpu.layouts().pipeline).await.unwrap();
        warmer.compile(shader, &pipeline).await;
    }
}

#[test]
fn a_device_of_ones_own_has_no_twin_and_others_have_one_alike() {
    let Some((device, queue)) = users(|_| ()) else { return };
    let own = Gpu::from_wgpu(device, queue).unwrap();
    assert!(pollster::block_on(own.twin()).is_err());
    let Some(gpu) = gpu() else { return };
    let twin = pollster::block_on(gpu.twin()).unwrap();
    assert_eq!(twin.adapter(), gpu.adapter());
    assert_eq!(twin.device().limits(), gpu.device().limits());
    assert_eq!(twin.device().features(), gpu.device().features() - wgpu::Features::PIPELINE_CACHE);
    assert_ne!(twin.device(), gpu.device());
}
