"""Which addresses are public."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.intake.scraping.addresses import is_public


@pytest.mark.parametrize("address", ("93.184.215.14", "1.1.1.1", "223.255.255.1", "2606:4700::1111", "2a00:1450::1"))
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    (
        "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200",
        "192.0.0.192", "192.88.99.1", "198.18.0.1", "203.0.113.7", "224.0.0.1", "239.1.1.1", "255.255.255.255",
        "168.63.129.16", "::", "::1", "::ffff:127.0.0.1", "::ffff:93.184.215.14", "::93.184.215.14", "fe80::1",
        "fe80::1%eth0", "2606:4700::1111%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "64:ff9b::7f00:1",
        "64:ff9b::5db8:d70e", "64:ff9b:1::1", "2002:7f00:1::", "2002:5db8:d70e::1", "2001::1", "2001:db8::1",
        "3fff::1", "5f00::1", "100::1",
    ),
)  # fmt: skip
def test_addresses_of_somebodys_own_network_are_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("text", ("", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "1.1.1.1 ", "[::1]"))
def test_what_is_no_plain_number_is_not(text: str) -> None:
    assert not is_public(text)


@given(st.ip_addresses(v=4))
def test_no_public_address_is_one_that_python_knows_as_special(address: ipaddress.IPv4Address) -> None:
    special = (address.is_private, address.is_loopback, address.is_link_local, address.is_multicast)
    assert not (is_public(str(address)) and any((*special, address.is_reserved, address.is_unspecified)))


@given(st.ip_addresses(v=6))
def test_no_public_address_of_version_6_is_special(address: ipaddress.IPv6Address) -> None:
    special = (address.is_private, address.is_loopback, address.is_link_local, address.is_multicast)
    holds_another = (address.ipv4_mapped, address.sixtofour, address.teredo)
    assert not (is_public(str(address)) and any((*special, address.is_reserved, *holds_another)))


@given(st.ip_addresses(v=4), st.sampled_from(("::ffff:", "::", "64:ff9b::")))
def test_no_address_that_holds_another_is_public(inner: ipaddress.IPv4Address, prefix: str) -> None:
    assert not is_public(f"{prefix}{inner}")
    assert not is_public(str(ipaddress.IPv6Address(b"\x20\x02" + inner.packed + bytes(10))))


@given(st.ip_addresses())
def test_the_spelling_of_an_address_changes_nothing(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    assert is_public(address.exploded) == is_public(socket.inet_ntop(family, address.packed))
