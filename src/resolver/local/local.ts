// local: names that are answered here and never sent to an upstream: special-use names, and what the configuration says.
//
// Invariants: answers are the same for every client and never depend on the network; over special-use names an operator's
// forwarding zone and an operator's records win. RFCs 6303, 6761, 6762, 7686, 7793, 8375, 9462, 9476, 9606.
export { CHECK_CODE_LENGTH, CHECK_KEY, createCheckCode, isCheckCode } from './check-code.ts';
export { DeviceCheck, type DeviceCheckSetting, noticeAddresses } from './device-check.ts';
export { type LocalData, type LocalName, type LocalRecord, LocalRecords, localDataOf } from './records.ts';
export { LOCAL, LocalZones } from './special-use.ts';
