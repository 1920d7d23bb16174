# Windows DNS and DHCP servers with Cordon behind them: in a shell of an administrator of each server.
#
# Domain members go on asking the domain controllers, which know Active Directory; these ask Cordon for everything else.
# Cordon then sees domain controllers only: one group, one line in the records. Where groups or records have to tell clients
# apart, hand out Cordon by DHCP (the last part), and lead the domain's zones back in cordon.yaml:
#
#   forward: [{ zones: ["ad.agency.example", "2.0.192.in-addr.arpa"], upstreams: ["192.0.2.10", "192.0.2.11"] }]

$Resolvers = '192.0.2.53', '192.0.2.54'

# Everything that the server has no zone for goes to Cordon. Without root hints: otherwise it asks the root itself when Cordon
# is slow, past the lists.
Set-DnsServerForwarder -IPAddress $Resolvers -UseRootHint $false -Timeout 3

# What Cordon refused is asked again soon.
Set-DnsServerCache -MaxNegativeTtl '00:00:30'

# Cordon validates. What it refuses below a signed zone would count as forged here: trust anchors of the root are taken out.
Get-DnsServerTrustAnchor -Name '.' -ErrorAction SilentlyContinue |
  ForEach-Object { Remove-DnsServerTrustAnchor -Name '.' -Type $_.TrustAnchorType -Force }

# Check: a name that resolves, and one that is refused.
Resolve-DnsName -Name 'example.com' -Type A -Server 'localhost' -DnsOnly
Resolve-DnsName -Name 'www.tiktok.com' -Type A -Server 'localhost' -DnsOnly -ErrorAction SilentlyContinue

# Instead: Cordon by DHCP, per scope, for IPv4 (option 6) and IPv6 (option 23).
#   Set-DhcpServerv4OptionValue -ScopeId 192.0.2.0 -DnsServer $Resolvers
#   Set-DhcpServerv6OptionValue -Prefix 2001:db8:: -DnsServer '2001:db8::53', '2001:db8::54'
