//! Devices: many threads, several networks on one, a user's own, and what moves between host and device.

use std::thread;

use nn::Device;
use nn_tests::networks::{Digits, Inference, Plain};
use nn_tests::{data, on_each_device};

fn assert_send_sync<T: Send + Sync>(_: &T) {}

on_each_device! {
    fn many_threads_predict_at_once(device) {
        let net = Plain::new(device, 1).unwrap();
        assert_send_sync(&net);
        let all = data::plain(96, 1).unwrap();
        let expected = net.predict(all.x()).unwrap();
        thread::scope(|scope| {
            for t in 0..8usize {
                let (net, all, expected) = (&net, &all, &expected);
                scope.spawn(move || {
                    for i in 0..6 {
                        let (start, n) = (t * 5 + i, 1 + (t * 7 + i * 11) % 40);
                        let p = net.predict(&all.x()[start..start + n]).unwrap();
                        for (p, e) in p.as_flattened().iter().zip(expected[start..start + n].as_flattened()) {
                            assert!((p - e).abs() < 1e-6);
                        }
                    }
                    assert!(net.evaluate(all).unwrap().loss.is_finite());
                });
            }
        });
    }

    fn several_networks_share_a_device(device) {
        let (a, b) = (Plain::new(device, 1).unwrap(), Plain::new(device, 1).unwrap());
        let c = Inference::new(device, 1).unwrap();
        let x = data::plain(20, 1).unwrap();
        let expected = a.predict(x.x()).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| (0..5).for_each(|_| assert_eq!(a.predict(x.x()).unwrap(), expected)));
            scope.spawn(|| (0..5).for_each(|_| assert_eq!(b.predict(x.x()).unwrap(), expected)));
            scope.spawn(|| (0..5).for_each(|_| assert_eq!(c.predict(x.x()).unwrap().len(), 20)));
        });
        drop(a);
        assert_eq!(b.predict(x.x()).unwrap(), expected, "dropping a network leaves the others alone");
    }

    fn a_network_outlives_the_handle_of_its_device(device) {
        let own = device.clone();
        let net = Digits::new(&own, 1).unwrap();
        drop(own);
        assert_eq!(net.predict(&[[0.5f32; 64]]).unwrap().len(), 1);
    }
}

#[test]
fn the_cpu_is_always_there() {
    assert_send_sync(&Device::cpu());
    assert!(Device::cpu().name().contains("CPU") && !Device::cpu().is_gpu());
    assert!(Device::auto().is_ok());
}

#[cfg(feature = "gpu")]
#[test]
fn a_users_own_device_serves() {
    use nn::wgpu;

    let Some(gpu) = nn_tests::gpu() else { return };
    let own = async {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let adapter = instance.request_adapter(&wgpu::RequestAdapterOptions::default()).await.unwrap();
        adapter.request_device(&wgpu::DeviceDescriptor::default()).await.unwrap()
    };
    let (device, queue) = pollster::block_on(own);
    let own = Device::from_wgpu(device.clone(), queue.clone()).unwrap();
    let train = data::plain(40, 1).unwrap();
    let run = |device: &Device| {
        let mut net = Plain::new(device, 3).unwrap();
        let options = nn::Fit::default().epochs(2).batch_size(16).quiet();
        net.fit(&train, options).unwrap().step_losses
    };
    assert_eq!(run(&own), run(gpu));
    // The device is still the user's.
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 16,
        usage: wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    queue.write_buffer(&buffer, 0, &[1; 16]);
    queue.submit([]);
}
