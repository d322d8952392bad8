# SPDX-License-Identifier: Apache-2.0
# A network analyser that has read a capture from its standard input and waits for more.

packages=(tshark)
needs=(net.pcap)

run() {
        capture -t 12 -i "$inputs/net.pcap" -- /usr/bin/tshark -i - -q -z conv,ip -z http,tree -z sip,stat -z dns,tree \
                -z endpoints,udp
}
