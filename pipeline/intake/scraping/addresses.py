"""Internet addresses: which of them belong to the public internet, and to nobody's own network."""

from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network

_PUBLIC_V6 = IPv6Network("2000::/3")
"""All that is routed between networks. Outside lie, among others, IPv4-mapped and translated (NAT64) addresses."""
_SPECIAL = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16/32",  # a cloud's own services, at what looks like anybody's address
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
            "2001::/23",  # Teredo, which holds an IPv4 address, and others
            "2001:db8::/32",
            "2002::/16",  # 6to4, which holds an IPv4 address
            "3fff::/20",
        ),
    )
)


def is_public(address: str) -> bool:
    """Whether a numeric address may be connected to: no private, local, reserved, shared or group address.

    Addresses that hold an IPv4 address inside are no public ones, whatever they hold. The ranges stand here, since
    those that Python knows differ from release to release.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and (parsed.scope_id or parsed not in _PUBLIC_V6):
        return False
    return parsed.is_global and not any(parsed in network for network in _SPECIAL)
