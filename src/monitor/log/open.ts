import type { LogConfig } from '../../base/logConfig.ts'
import { openLogFile } from './file.ts'
import { journaldSink } from './journald.ts'
import { jsonFileSink, jsonRecordBytes } from './jsonFile.ts'
import { K8S_RECORD_BYTES, k8sFileSink } from './k8sFile.ts'
import type { LogSink, LogTrouble } from './sink.ts'

const NO_SINK: LogSink = { write: () => {}, close: () => {} }

/**
 * Opens the log of a container that starts; a file is continued.
 * @param trouble is called at most once, when output could not be logged
 * @throws an Error with errno where the file cannot be opened: checkLogConfig() finds most of that earlier
 */
export function openLogSink(config: LogConfig, trouble: LogTrouble = () => {}): LogSink {
  const { path, maxSize, maxFiles, attributes } = config
  switch (config.driver) {
    case 'k8s-file':
      return k8sFileSink(openLogFile({ path, maxSize, maxFiles, recordBytes: K8S_RECORD_BYTES, trouble }))
    case 'json-file': {
      const attrs = config.tag === undefined ? attributes : { ...attributes, tag: config.tag }
      const recordBytes = jsonRecordBytes(attrs)
      return jsonFileSink(openLogFile({ path, maxSize, maxFiles, recordBytes, trouble }), attrs)
    }
    case 'journald':
      return journaldSink(config, trouble)
    case 'none':
    case 'passthrough':
      return NO_SINK
  }
}
