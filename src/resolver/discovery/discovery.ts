// discovery: how clients come to the encrypted listeners: found by themselves, told by DHCP, or set up by a profile.
//
// Invariants: everything is made of one EncryptedService, so that no way of telling says something else than another;
// nothing here opens a socket or reads a file; no text has a secret that its reader is not given anyway. RFCs 9460 and
// 9461 (SVCB for DNS), 9462 (DDR), 9463 (DNR).
export { ddrRecords, discoveryGaps } from './ddr.ts';
export { keaDnr } from './dnr.ts';
export { createProfile, PROFILE_TARGETS, type ProfileTarget } from './profile.ts';
export {
  type Certificate,
  createService,
  DOH_PATH,
  type EncryptedService,
  type ListenerAddresses,
  toCertificate,
} from './service.ts';
