/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_SIGNAL_BROKER_H
#define THAW_DECLARED_SIGNAL_BROKER_H

#include <base/rpc_server.h>
#include <base/signal.h>
#include <types.h>

namespace Genode {

	struct Signal_source  : Interface { };
}

namespace Core {

	class  Signal_source_component;
	struct Signal_context_component;
	class  Signal_broker;
}

struct Core::Signal_context_component : Rpc_object<Signal_context>
{
	long                     imprint() const;
	int                      cnt() const;
	bool                     enqueued() const;
	Signal_source_component &source();
};

class Core::Signal_source_component : public Rpc_object<Signal_source>
{
	private:

		struct Signal_queue { void for_each(auto const &fn) const { fn(_context()); } Signal_context_component &_context() const; };

		Signal_queue _signal_queue;

	protected:

		Native_capability _blocking_semaphore;

	public:

		Native_capability _request_semaphore();
};

class Core::Signal_broker
{
	private:

		Signal_source_component   _source;
		Capability<Signal_source> _source_cap;
};

#endif
