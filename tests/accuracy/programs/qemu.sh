# SPDX-License-Identifier: Apache-2.0
# A machine with its devices, not started.

packages=(qemu-system-x86)

run() {
        capture -t 5 -- /usr/bin/qemu-system-x86_64 -S -m 64 -display none -serial null -monitor null -machine q35 \
                -device virtio-net-pci,netdev=n -netdev user,id=n -device ich9-ahci -device nec-usb-xhci -device usb-tablet \
                -device virtio-gpu-pci
}
