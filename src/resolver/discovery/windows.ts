// A PowerShell script for Windows 11: the DNS client asks the service encrypted and nothing else, and what ZTDNS needs.
//
// Zero Trust DNS lets a machine reach only addresses that its DNS server resolved, which closes hard-coded addresses and
// foreign DNS over HTTPS. It begins in audit mode: turning it on for good is the administrator's decision.
import { dohUrl, type EncryptedService } from './service.ts';

/** Undefined parts are told: Windows needs DNS over HTTPS and addresses. */
export const windowsProfile = (
  service: EncryptedService,
): { readonly text: string } | { readonly missing: string } => {
  const url = dohUrl(service);
  const [way] = service.doh;
  if (url === undefined || way === undefined) {
    return { missing: 'no address listens for DNS over HTTPS (listen.doh)' };
  }
  const { addresses, port } = way;
  if (addresses.length === 0) {
    return { missing: 'Windows needs addresses, and neither the listeners nor the certificate name any' };
  }
  const quoted = addresses.map(quote).join(', ');
  return {
    text: `#Requires -RunAsAdministrator
# Encrypted DNS of ${service.name}: for Windows 11 and Windows Server 2022 or later. Run again after a change.
param([switch] $ZeroTrust, [switch] $Enforce)
$ErrorActionPreference = 'Stop'
$servers = @(${quoted})
$template = ${quote(url)}

foreach ($server in $servers) {
  Get-DnsClientDohServerAddress | Where-Object ServerAddress -eq $server | Remove-DnsClientDohServerAddress
  Add-DnsClientDohServerAddress -ServerAddress $server -DohTemplate $template -AllowFallbackToUdp $false -AutoUpgrade $true
}
Get-NetAdapter -Physical | Where-Object Status -eq 'Up' | Set-DnsClientServerAddress -ServerAddresses $servers

# Policy "Configure DNS over HTTPS (DoH) name resolution": 3 is "Require DoH".
$policy = 'HKLM:\\SOFTWARE\\Policies\\Microsoft\\Windows NT\\DNSClient'
if (-not (Test-Path $policy)) { New-Item -Path $policy -Force | Out-Null }
Set-ItemProperty -Path $policy -Name DoHPolicy -Type DWord -Value 3

# Zero Trust DNS (Enterprise and Education): outgoing connections only to addresses that these servers resolved.
if ($ZeroTrust) {
  foreach ($server in $servers) {
    netsh ztdns add server type=doh address=$server port=${port} template=$template
  }
  # Audit first: what would be closed is in the event log ZTDNS. -Enforce closes it.
  $audit = if ($Enforce) { 'no' } else { 'yes' }
  netsh ztdns set state enable=yes audit=$audit
}
Clear-DnsClientCache
`,
  };
};

/** A literal of PowerShell. */
const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
